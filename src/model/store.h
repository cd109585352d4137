/* The tensors in a model's files: by name, each checked to be within its file. */
#ifndef HAP_MODEL_STORE_H
#define HAP_MODEL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/file_map.h"
#include "common/gguf.h"
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
        const unsigned char *exponents; /* of MXFP4_APART: one a block */
        bool used; /* a weight of the model came from here */
        bool elsewhere; /* its values are on other ranks only */
};

/* All tensors of a model, sorted by name. */
struct hap_store {
        struct hap_stored *items;
        size_t n, capacity;
        struct hap_file_map *maps; /* safetensors: one per shard */
        size_t n_maps;
        struct hap_gguf *gguf; /* borrowed, or NULL */
};

/* The tensors of an open file, which must stay open. */
int hap_store_of_gguf(struct hap_store *store, struct hap_gguf *gguf,
                      struct hap_error *err);
void hap_store_close(struct hap_store *store);

/* NULL when there is no such tensor. */
struct hap_stored *hap_store_find(const struct hap_store *store, const char *name);

/* Appends a tensor; the name is copied. */
int hap_store_add(struct hap_store *store, const char *name, size_t length,
                  struct hap_stored stored, struct hap_error *err);
/* Sorts by name after the last hap_store_add. HAP_EINPUT: a name occurs twice. */
int hap_store_sort(struct hap_store *store, const char *path, struct hap_error *err);

#endif
