/* Arrays in the format of NumPy (.npy, version 1.0 of NEP 1) in a zip archive, as numpy.load reads
 * them. An array is made of entries, one for each record of a stream, which wait in a byte store
 * until it is known how many there are and of what kind. */
#ifndef HAP_CONVERT_NPY_H
#define HAP_CONVERT_NPY_H

#include <msgpack.h>
#include <stdbool.h>

#include "common/tensor.h"
#include "convert/zip_out.h"

enum hap_entry {
        HAP_ENTRY_MISSING,
        HAP_ENTRY_BOOL,
        HAP_ENTRY_INT,
        HAP_ENTRY_FLOAT,
        HAP_ENTRY_TEXT,
        HAP_ENTRY_INTS, /* a list */
        HAP_ENTRY_FLOATS,
        HAP_ENTRY_F32, /* a tensor */
        HAP_ENTRY_F16,
        HAP_ENTRY_BF16,
        HAP_ENTRIES
};

enum { HAP_ARRAY_NAME = 64 };

struct hap_array {
        char name[HAP_ARRAY_NAME];
        struct hap_byte_store entries;
        uint64_t n, n_of[HAP_ENTRIES];
        bool shaped; /* a list or tensor was added */
        bool ragged; /* they differ in their shape */
        int n_dims;  /* of the first */
        uint64_t shape[HAP_MAX_DIMS];
};

void hap_array_release(struct hap_array *array);

/* Adds an entry. nil is a missing one; a map, or a list of anything but numbers, is added as JSON.
 * HAP_EINPUT: a text is not UTF-8 or contains a NUL, an integer is beyond 2^53, a tensor follows
 * something else, or binary data. */
int hap_array_add(struct hap_array *array, const msgpack_object *value, struct hap_error *err);
int hap_array_add_text(struct hap_array *array, const char *text, size_t n, struct hap_error *err);
int hap_array_add_int(struct hap_array *array, int64_t value, struct hap_error *err);
/* Adds missing entries up to n. */
int hap_array_fill(struct hap_array *array, uint64_t n, struct hap_error *err);

/* Writes the array as a member NAME.npy of shape [n], or [n, ...] for lists and tensors. These become
 * one member NAME/0.npy, NAME/1.npy, … for each entry if they differ in their shape or some are
 * missing. Types: bool; int64; float64, with NaN for missing numbers; Unicode text as long as the
 * longest, "" where missing, if there is any text, or both numbers and lists; float16 if all tensors
 * are F16, otherwise float32. */
int hap_array_write(struct hap_array *array, struct hap_zip_out *zip, struct hap_error *err);

#endif
