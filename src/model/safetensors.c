/* safetensors: eight bytes with the header's length, a JSON object with each tensor's dtype,
 * shape and offsets, and the tensors' bytes, which fill the rest of the file without gap
 * or overlap. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "model/safetensors.h"

/* The reference implementation's limit. */
#define MAX_HEADER 100000000u
#define MAX_TENSORS 1000000u

struct byte_range {
        size_t first, end; /* offsets from the end of the header */
        const char *name;
};

struct file {
        const char *path;
        const unsigned char *data; /* after the header */
        size_t size;
        struct byte_range *ranges;
        size_t n_ranges;
};

static const struct {
        const char *name;
        int kind;
        size_t bytes; /* of one element */
} dtypes[] = {
        {"F32", HAP_STORED_F32, 4},   {"F16", HAP_STORED_F16, 2},
        {"BF16", HAP_STORED_BF16, 2}, {"F64", HAP_STORED_F64, 8},
        {"I64", HAP_STORED_OTHER, 8}, {"U64", HAP_STORED_OTHER, 8},
        {"I32", HAP_STORED_OTHER, 4}, {"U32", HAP_STORED_OTHER, 4},
        {"I16", HAP_STORED_OTHER, 2}, {"U16", HAP_STORED_OTHER, 2},
        {"I8", HAP_STORED_OTHER, 1},  {"U8", HAP_STORED_OTHER, 1},
        {"BOOL", HAP_STORED_OTHER, 1}, {"F8_E4M3", HAP_STORED_OTHER, 1},
        {"F8_E5M2", HAP_STORED_OTHER, 1},
};

static int bad(const struct file *file, const char *name, struct hap_error *err,
               const char *why)
{
        return hap_fail(err, HAP_EINPUT, "cannot read '%s': tensor '%.200s': %s", file->path,
                        name, why);
}

static int read_dtype(const json_t *entry, struct hap_stored *stored, size_t *size)
{
        const char *name = json_string_value(json_object_get(entry, "dtype"));

        for (size_t i = 0; name && i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
                if (strcmp(name, dtypes[i].name) == 0) {
                        stored->kind = dtypes[i].kind;
                        strcpy(stored->dtype, name);
                        *size = dtypes[i].bytes;
                        return 0;
                }
        return -1;
}

/* A whole number from 0 that fits size_t, or -1. */
static int read_size(const json_t *value, size_t *size)
{
        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return -1;
        *size = (size_t)json_integer_value(value);
        return 0;
}

static int read_shape(const json_t *entry, struct hap_stored *stored)
{
        const json_t *shape = json_object_get(entry, "shape");

        if (!json_is_array(shape) || json_array_size(shape) > HAP_STORED_MAX_DIMS)
                return -1;
        stored->n_dims = (int)json_array_size(shape);
        stored->n = 1;
        for (int i = 0; i < stored->n_dims; i++)
                if (read_size(json_array_get(shape, (size_t)i), &stored->shape[i]) < 0 ||
                    hap_size_mul(stored->n, stored->shape[i], &stored->n) < 0)
                        return -1;
        return 0;
}

static int read_range(const json_t *entry, struct byte_range *range)
{
        const json_t *offsets = json_object_get(entry, "data_offsets");

        if (!json_is_array(offsets) || json_array_size(offsets) != 2)
                return -1;
        if (read_size(json_array_get(offsets, 0), &range->first) < 0 ||
            read_size(json_array_get(offsets, 1), &range->end) < 0)
                return -1;
        return range->first <= range->end ? 0 : -1;
}

static int read_entry(struct hap_store *store, struct file *file, const char *name,
                      const json_t *entry, struct hap_error *err)
{
        struct hap_stored stored = {0};
        struct byte_range range = {.name = name};
        size_t size;

        if (!json_is_object(entry))
                return bad(file, name, err, "its entry is not an object");
        if (read_dtype(entry, &stored, &size) < 0)
                return bad(file, name, err, "its dtype is unknown");
        if (read_shape(entry, &stored) < 0)
                return bad(file, name, err, "its shape is not a list of at most 8 sizes");
        if (read_range(entry, &range) < 0)
                return bad(file, name, err, "its data_offsets are not two growing offsets");
        if (range.end > file->size)
                return bad(file, name, err, "it extends past the end of the file");
        stored.bytes = range.end - range.first;
        if (hap_size_mul(stored.n, size, &size) < 0 || size != stored.bytes)
                return bad(file, name, err, "its bytes do not fit its dtype and shape");
        stored.data = file->data + range.first;
        file->ranges[file->n_ranges++] = range;
        return hap_store_add(store, name, strlen(name), stored, err);
}

static int compare_ranges(const void *a, const void *b)
{
        const struct byte_range *x = a, *y = b;

        if (x->first != y->first)
                return x->first < y->first ? -1 : 1;
        return (x->end > y->end) - (x->end < y->end);
}

static int check_places(struct file *file, struct hap_error *err)
{
        size_t end = 0;

        qsort(file->ranges, file->n_ranges, sizeof(*file->ranges), compare_ranges);
        for (size_t i = 0; i < file->n_ranges; i++) {
                const struct byte_range *range = &file->ranges[i];

                if (range->first < end)
                        return bad(file, range->name, err, "it overlaps another tensor");
                if (range->first > end)
                        return bad(file, range->name, err,
                                   "there is a hole in the file before it");
                end = range->end;
        }
        if (end != file->size)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': %zu bytes at its end belong to no tensor",
                                file->path, file->size - end);
        return 0;
}

static int read_header(struct hap_store *store, struct file *file, const json_t *header,
                       struct hap_error *err)
{
        const char *name;
        json_t *entry;
        int rc;

        if (json_object_size(header) > MAX_TENSORS)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': more than %u tensors", file->path,
                                MAX_TENSORS);
        file->ranges = calloc(json_object_size(header) + 1, sizeof(*file->ranges));
        if (!file->ranges)
                return hap_fail_memory(err, "the list of tensors");
        json_object_foreach((json_t *)(uintptr_t)header, name, entry) {
                if (strcmp(name, "__metadata__") == 0)
                        continue;
                rc = read_entry(store, file, name, entry, err);
                if (rc < 0)
                        return rc;
        }
        return check_places(file, err);
}

static uint64_t read_u64(const unsigned char *bytes)
{
        uint64_t value = 0;

        for (int i = 7; i >= 0; i--)
                value = value << 8 | bytes[i];
        return value;
}

int hap_safetensors_read(struct hap_store *store, const struct hap_file_map *map,
                         const char *path, struct hap_error *err)
{
        struct file file = {.path = path};
        json_error_t why;
        json_t *header;
        uint64_t length;
        int rc;

        if (map->size < 8)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': too short for a safetensors file", path);
        length = read_u64(map->data);
        if (length > MAX_HEADER || length > map->size - 8)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': its header would have %" PRIu64
                                " bytes (the file has %zu, the limit is %u)",
                                path, length, map->size, MAX_HEADER);
        header = json_loadb((const char *)map->data + 8, (size_t)length,
                            JSON_REJECT_DUPLICATES, &why);
        if (!json_is_object(header)) {
                rc = hap_fail(err, HAP_EINPUT, "cannot read '%s': its header is not JSON: %s",
                              path, header ? "not an object" : why.text);
                goto out;
        }
        file.data = map->data + 8 + length;
        file.size = map->size - 8 - (size_t)length;
        rc = read_header(store, &file, header, err);
out:
        free(file.ranges);
        json_decref(header);
        return rc;
}
