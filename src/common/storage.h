/* How files store numbers. The block formats are ggml's. */
#ifndef HAP_COMMON_STORAGE_H
#define HAP_COMMON_STORAGE_H

#include <stddef.h>

enum hap_storage {
        HAP_STORED_OTHER, /* cannot be a weight: integers, booleans … */
        HAP_STORED_F32,
        HAP_STORED_F16,
        HAP_STORED_BF16,
        HAP_STORED_Q4_0,
        HAP_STORED_Q4_1,
        HAP_STORED_Q5_0,
        HAP_STORED_Q5_1,
        HAP_STORED_Q8_0,
        HAP_STORED_Q4_K,
        HAP_STORED_Q5_K,
        HAP_STORED_Q6_K,
        HAP_STORED_KINDS
};

/* The bytes of `n` elements, a multiple of the kind's block, are
 * n / hap_storage_block() * hap_storage_block_bytes(). */
size_t hap_storage_block(int kind);       /* elements in a block, 0 for OTHER */
size_t hap_storage_block_bytes(int kind); /* 0 for OTHER */
const char *hap_storage_name(int kind);   /* "F32", "Q4_1" … */

#endif
