/* Families of models: one file family_NAME.c and one row of the table in family.c
 * each. docs/adding.md shows how to add one. */
#ifndef HAP_MODEL_FAMILY_H
#define HAP_MODEL_FAMILY_H

#include "common/gguf.h"
#include "model/blueprint.h"

struct hap_family {
        const char *name;         /* config.json's "model_type" */
        const char *name_prefix;  /* prefix of "name" in a config without "model_type", or NULL */
        const char *architecture; /* GGUF's "general.architecture"; NULL: not in GGUF files */
        const char *help;         /* the models, for lists */
        const struct hap_weight_layout
                *layout; /* of safetensors; read_config may change its copy */
        /* Fill config, layers and layout from config.json, or from the metadata that have
         * the architecture's prefix. The first error stays in the settings. */
        void (*read_config)(struct hap_blueprint *blueprint);
        void (*read_gguf)(const struct hap_gguf *gguf, struct hap_blueprint *blueprint);
};

extern const struct hap_family *const hap_families[]; /* NULL-terminated */

/* The family of a config.json: by `model_type`, or, if that is NULL, by the start of `name`.
 * NULL: unknown. */
const struct hap_family *hap_family_find(const char *model_type, const char *name);
/* The family of a GGUF file, or NULL. */
const struct hap_family *hap_family_of_architecture(const char *architecture);

/* "gpt2, gpt_neox, ..." and the same for the architectures of GGUF files. Returns text. */
const char *hap_family_names(char *text, size_t size);
const char *hap_family_architectures(char *text, size_t size);

#endif
