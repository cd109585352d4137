/* The safetensors of a Hugging Face folder: one file, or shards and an index. */
#ifndef HAP_MODEL_FOLDER_H
#define HAP_MODEL_FOLDER_H

#include "model/store.h"

/* model.safetensors, or the shards that model.safetensors.index.json names. */
int hap_store_open_folder(struct hap_store *store, const char *folder,
                          struct hap_error *err);
/* HAP_EINPUT: the folder is an adapter, without a model's config.json. */
int hap_folder_check(const char *folder, struct hap_error *err);

#endif
