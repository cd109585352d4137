/* GGUF files, version 2 and 3, little-endian: metadata by key and a list of tensors.
 *
 * All counts, lengths, types and offsets are checked against the file's size when it is opened,
 * so that callers of the functions below need no further checks. Pointers point into the mapped
 * file and live until hap_gguf_close. Types that cannot be weights (integers, other
 * quantisations) are refused by name. */
#ifndef HAP_COMMON_GGUF_H
#define HAP_COMMON_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/file_map.h"

enum hap_gguf_type {
        HAP_GGUF_U8 = 0,
        HAP_GGUF_I8 = 1,
        HAP_GGUF_U16 = 2,
        HAP_GGUF_I16 = 3,
        HAP_GGUF_U32 = 4,
        HAP_GGUF_I32 = 5,
        HAP_GGUF_F32 = 6,
        HAP_GGUF_BOOL = 7,
        HAP_GGUF_TEXT = 8,
        HAP_GGUF_ARRAY = 9,
        HAP_GGUF_U64 = 10,
        HAP_GGUF_I64 = 11,
        HAP_GGUF_F64 = 12,
};

/* Not NUL-terminated; may contain any byte. */
struct hap_gguf_text {
        const char *text;
        size_t length;
};

struct hap_gguf_value {
        struct hap_gguf_text key;
        int type;         /* hap_gguf_type */
        int element_type; /* of an array, else `type` */
        size_t n;         /* elements of an array, else 1 */
        const unsigned char *data; /* unaligned */
};

#define HAP_GGUF_MAX_DIMS 4
struct hap_gguf_tensor {
        struct hap_gguf_text name;
        int n_dims;
        size_t shape[HAP_GGUF_MAX_DIMS]; /* outermost first: [rows][columns] */
        size_t n;                        /* elements */
        int type;                        /* hap_storage, see storage.h */
        const unsigned char *data;
        size_t bytes;
};

struct hap_gguf {
        struct hap_file_map map;
        char *path;
        struct hap_gguf_value *values; /* sorted by key */
        size_t n_values;
        struct hap_gguf_tensor *tensors; /* in the file's order */
        size_t n_tensors;
};

/* True when the file begins like a GGUF file. */
bool hap_gguf_is(const char *path);

/* HAP_EINPUT: not a GGUF file of these versions, cut, or inconsistent. */
int hap_gguf_open(struct hap_gguf *gguf, const char *path, struct hap_error *err);
void hap_gguf_close(struct hap_gguf *gguf);

/* The same for a file in memory, which must outlive *gguf (zeroed before);
 * `path` is for messages. On failure *gguf is closed. */
int hap_gguf_parse(struct hap_gguf *gguf, const unsigned char *data, size_t size,
                   const char *path, struct hap_error *err);

/* NULL when there is no such key. */
const struct hap_gguf_value *hap_gguf_find(const struct hap_gguf *gguf, const char *key);

/* Typed getters: 1; 0 when there is no such key (*value is unchanged); HAP_EINPUT
 * when the value has another type or does not fit. hap_gguf_int accepts integers of
 * any width. */
int hap_gguf_int(const struct hap_gguf *gguf, const char *key, int64_t *value,
                 struct hap_error *err);
int hap_gguf_bool(const struct hap_gguf *gguf, const char *key, bool *value,
                  struct hap_error *err);
int hap_gguf_text(const struct hap_gguf *gguf, const char *key,
                  struct hap_gguf_text *value, struct hap_error *err);

/* Arrays: *items is allocated with malloc, even if it is empty. The caller frees it. */
int hap_gguf_texts(const struct hap_gguf *gguf, const char *key,
                   struct hap_gguf_text **items, size_t *n, struct hap_error *err);
int hap_gguf_ints(const struct hap_gguf *gguf, const char *key, int64_t **items,
                  size_t *n, struct hap_error *err);
int hap_gguf_reals(const struct hap_gguf *gguf, const char *key, float **items,
                   size_t *n, struct hap_error *err);

/* Element i of a value whose elements are numbers or bools. */
double hap_gguf_element_real(const struct hap_gguf_value *value, size_t i);
int64_t hap_gguf_element_int(const struct hap_gguf_value *value, size_t i);

#endif
