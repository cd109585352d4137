/* Stored values to F32. */
#ifndef HAP_MODEL_DEQUANTISE_H
#define HAP_MODEL_DEQUANTISE_H

#include <stddef.h>
#include <stdint.h>

#include "common/storage.h"

/* out[i] = value i of `data`, i < n. n is a multiple of hap_storage_block(kind);
 * data need not be aligned. kind is not HAP_STORED_OTHER. */
void hap_dequantise(int kind, const unsigned char *data, size_t n, float *out);

/* The same for MXFP4_APART: 16 bytes of two E2M1 numbers each, the low half first, and an exponent
 * for every 32 numbers, as the published folders of gpt-oss store them. */
void hap_dequantise_mxfp4_apart(const unsigned char *blocks, const unsigned char *exponents,
                                size_t n, float *out);

#endif
