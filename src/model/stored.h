/* Tensors as they lie in a model's files: by name, with what they hold checked
 * to lie within the file. */
#ifndef HAP_MODEL_STORED_H
#define HAP_MODEL_STORED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/gguf.h"
#include "common/file_map.h"
#include "common/storage.h"

#define HAP_STORED_MAX_DIMS 8

struct hap_stored {
        char *name;
        int kind;         /* hap_storage */
        char dtype[16];   /* as the file calls it: "F32", "Q4_1" … */
        int n_dims;
        size_t shape[HAP_STORED_MAX_DIMS];
        size_t n; /* elements */
        const unsigned char *data;
        size_t bytes;
        bool used; /* a weight of the model came from here */
};

/* All tensors of a model, sorted by name. */
struct hap_store {
        struct hap_stored *items;
        size_t n, capacity;
        struct hap_file_map *maps; /* safetensors: one a shard */
        size_t n_maps;
        struct hap_gguf *gguf; /* borrowed, or NULL */
};

/* model.safetensors, or the shards that model.safetensors.index.json names. */
int hap_store_open_folder(struct hap_store *store, const char *folder,
                          struct hap_error *err);
/* The tensors of a file that is open and stays so. */
int hap_store_of_gguf(struct hap_store *store, struct hap_gguf *gguf,
                      struct hap_error *err);
void hap_store_close(struct hap_store *store);

/* NULL when there is no such tensor. */
struct hap_stored *hap_store_find(const struct hap_store *store, const char *name);

/* For the readers of files: appends one (name is copied) … */
int hap_store_add(struct hap_store *store, const char *name, size_t length,
                  struct hap_stored stored, struct hap_error *err);
/* … and at the end sorts; a name that comes twice is HAP_EINPUT. */
int hap_store_sort(struct hap_store *store, const char *path, struct hap_error *err);

/* Adds the tensors of one safetensors file, mapped; `path` for messages. */
int hap_safetensors_read(struct hap_store *store, const struct hap_file_map *map,
                         const char *path, struct hap_error *err);

#endif
