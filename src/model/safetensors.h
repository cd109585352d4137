/* The safetensors format. */
#ifndef HAP_MODEL_SAFETENSORS_H
#define HAP_MODEL_SAFETENSORS_H

#include "model/store.h"

/* Adds the tensors of one safetensors file, mapped; `path` for messages. */
int hap_safetensors_read(struct hap_store *store, const struct hap_file_map *map,
                         const char *path, struct hap_error *err);

#endif
