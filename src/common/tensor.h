/* Numbers in memory as F32, F16 or BF16. */
#ifndef HAP_COMMON_TENSOR_H
#define HAP_COMMON_TENSOR_H

#include <stddef.h>
#include <stdint.h>

enum hap_dtype { HAP_F32, HAP_F16, HAP_BF16 };
extern const size_t hap_dtype_bytes[];                     /* by dtype */
const char *hap_dtype_name(enum hap_dtype dtype);          /* "f32", "f16", "bf16" */
int hap_dtype_of(const char *name, enum hap_dtype *dtype); /* -1: unknown */

#define HAP_MAX_DIMS 4
struct hap_tensor {
        enum hap_dtype dtype;
        int n_dims;
        size_t shape[HAP_MAX_DIMS];
        size_t n;         /* elements: the product of the shape */
        const void *data; /* little-endian, row-major; not owned, any alignment */
};

/* Converts n elements, from element `first` on, to f32: out[n]. */
void hap_tensor_read(const struct hap_tensor *tensor, size_t first, size_t n, float *out);

/* The value of a half's bits (IEEE 754), exact. */
float hap_f16_value(uint16_t half);

/* Converts n values to F16 or BF16, rounded to nearest even: out[n]. Returns the
 * index of the first finite value that F16 cannot represent, or n. */
size_t hap_halves_of(enum hap_dtype dtype, const float *values, size_t n, uint16_t *out);

#endif
