/* One function for each block format of ggml: a block's bytes to its values. */
#ifndef HAP_MODEL_DEQUANTISE_BLOCKS_H
#define HAP_MODEL_DEQUANTISE_BLOCKS_H

#include <stdint.h>

#include "common/tensor.h"

/* Little-endian numbers of a block. */
static inline unsigned hap_block_u16(const unsigned char *b)
{
        return b[0] | (unsigned)b[1] << 8;
}
static inline uint32_t hap_block_u32(const unsigned char *b)
{
        return hap_block_u16(b) | (uint32_t)hap_block_u16(b + 2) << 16;
}
static inline float hap_block_half(const unsigned char *b)
{
        return hap_f16_value((uint16_t)hap_block_u16(b));
}

void hap_block_q2_k(const unsigned char *block, float *out);
void hap_block_q3_k(const unsigned char *block, float *out);
void hap_block_tq1_0(const unsigned char *block, float *out);
void hap_block_tq2_0(const unsigned char *block, float *out);
void hap_block_mxfp4(const unsigned char *block, float *out);
void hap_block_iq4_nl(const unsigned char *block, float *out);
void hap_block_iq4_xs(const unsigned char *block, float *out);
void hap_block_iq2_xxs(const unsigned char *block, float *out);
void hap_block_iq2_xs(const unsigned char *block, float *out);
void hap_block_iq2_s(const unsigned char *block, float *out);
void hap_block_iq3_xxs(const unsigned char *block, float *out);
void hap_block_iq3_s(const unsigned char *block, float *out);
void hap_block_iq1_s(const unsigned char *block, float *out);
void hap_block_iq1_m(const unsigned char *block, float *out);

#endif
