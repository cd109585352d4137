/* The formats in which model files store numbers. */
#ifndef HAP_COMMON_STORAGE_H
#define HAP_COMMON_STORAGE_H

#include <stddef.h>

/* How values are stored. The block formats are ggml's. */
enum hap_storage {
        HAP_STORED_OTHER, /* cannot be a weight: integers, bools … */
        HAP_STORED_F32,
        HAP_STORED_F16,
        HAP_STORED_BF16,
        HAP_STORED_F64,
        HAP_STORED_Q4_0,
        HAP_STORED_Q4_1,
        HAP_STORED_Q5_0,
        HAP_STORED_Q5_1,
        HAP_STORED_Q8_0,
        HAP_STORED_Q4_K,
        HAP_STORED_Q5_K,
        HAP_STORED_Q6_K,
        HAP_STORED_Q2_K,
        HAP_STORED_Q3_K,
        HAP_STORED_IQ2_XXS,
        HAP_STORED_IQ2_XS,
        HAP_STORED_IQ3_XXS,
        HAP_STORED_IQ1_S,
        HAP_STORED_IQ4_NL,
        HAP_STORED_IQ3_S,
        HAP_STORED_IQ2_S,
        HAP_STORED_IQ4_XS,
        HAP_STORED_IQ1_M,
        HAP_STORED_TQ1_0,
        HAP_STORED_TQ2_0,
        HAP_STORED_MXFP4,
        HAP_STORED_MXFP4_APART, /* the blocks without their exponents, which are another tensor */
        HAP_STORED_KINDS
};

size_t hap_storage_block(int kind);       /* elements of a block; 0 for OTHER */
size_t hap_storage_block_bytes(int kind); /* bytes of a block; 0 for OTHER */
const char *hap_storage_name(int kind);   /* "F32", "Q4_1" … */

#endif
