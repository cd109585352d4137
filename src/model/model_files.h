/* Where a model comes from: a Hugging Face folder or GGUF files. */
#ifndef HAP_MODEL_MODEL_FILES_H
#define HAP_MODEL_MODEL_FILES_H

#include "common/gguf_path.h"
#include "model/blueprint.h"
#include "model/store.h"

struct hap_model_files {
        const char *path; /* borrowed */
        bool is_gguf;
        struct hap_gguf gguf; /* with the tensors of all its parts */
        struct hap_gguf_parts parts;
        struct hap_store store;
};

int hap_model_files_open(struct hap_model_files *source, const char *path, struct hap_error *err);
void hap_model_files_close(struct hap_model_files *source);

/* Finds the model's family, which reads the settings and fills *blueprint. The first
 * error of the settings stays in them. */
int hap_model_files_settings(const struct hap_model_files *source, struct hap_settings *settings,
                             struct hap_blueprint *blueprint, struct hap_error *err);

/* Opens the store of tensors. */
int hap_model_files_tensors(struct hap_model_files *source, struct hap_error *err);

#endif
