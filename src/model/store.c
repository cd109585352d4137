#include "model/store.h"

#include <stdlib.h>
#include <string.h>

void hap_store_close(struct hap_store *store)
{
        for (size_t i = 0; i < store->n; i++)
                free(store->items[i].name);
        free(store->items);
        for (size_t i = 0; i < store->n_maps; i++)
                hap_file_map_close(&store->maps[i]);
        free(store->maps);
        *store = (struct hap_store){0};
}

static int grow_store(struct hap_store *store, struct hap_error *err)
{
        size_t capacity = store->capacity ? 2 * store->capacity : 64;
        struct hap_stored *items;

        items = reallocarray(store->items, capacity, sizeof(*items));
        if (!items)
                return hap_fail_memory(err, "the list of tensors");
        store->items = items;
        store->capacity = capacity;
        return 0;
}

int hap_store_add(struct hap_store *store, const char *name, size_t length,
                  struct hap_stored stored, struct hap_error *err)
{
        int rc;

        if (store->n == store->capacity && (rc = grow_store(store, err)) < 0)
                return rc;
        stored.name = strndup(name, length);
        if (!stored.name)
                return hap_fail_memory(err, "the list of tensors");
        store->items[store->n++] = stored;
        return 0;
}

static int by_name(const void *a, const void *b)
{
        const struct hap_stored *x = a, *y = b;

        return strcmp(x->name, y->name);
}

int hap_store_sort(struct hap_store *store, const char *path, struct hap_error *err)
{
        if (store->n == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it contains no tensor", path);
        qsort(store->items, store->n, sizeof(*store->items), by_name);
        for (size_t i = 1; i < store->n; i++)
                if (by_name(&store->items[i - 1], &store->items[i]) == 0)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use '%s': tensor '%.200s' occurs twice", path,
                                        store->items[i].name);
        return 0;
}

struct hap_stored *hap_store_find(const struct hap_store *store, const char *name)
{
        size_t first = 0, end = store->n;

        while (first < end) {
                size_t middle = first + (end - first) / 2;
                int order = strcmp(store->items[middle].name, name);

                if (order == 0)
                        return &store->items[middle];
                if (order < 0)
                        first = middle + 1;
                else
                        end = middle;
        }
        return NULL;
}

int hap_store_of_gguf(struct hap_store *store, struct hap_gguf *gguf,
                      struct hap_error *err)
{
        int rc;

        *store = (struct hap_store){.gguf = gguf};
        for (size_t i = 0; i < gguf->n_tensors; i++) {
                const struct hap_gguf_tensor *t = &gguf->tensors[i];
                struct hap_stored stored = {
                        .kind = t->type,
                        .n_dims = t->n_dims,
                        .n = t->n,
                        .data = t->data,
                        .bytes = t->bytes,
                };

                memcpy(stored.shape, t->shape, sizeof(t->shape));
                strcpy(stored.dtype, hap_storage_name(t->type));
                rc = hap_store_add(store, t->name.text, t->name.length, stored, err);
                if (rc < 0)
                        goto fail;
        }
        rc = hap_store_sort(store, gguf->path, err);
        if (rc == 0)
                return 0;
fail:
        hap_store_close(store);
        return rc;
}
