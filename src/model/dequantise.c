/* The block formats of ggml (ggml-quants.c): q is a whole number, d and m are
 * half-precision numbers. */
#include "model/dequantise.h"

#include <string.h>

#include "model/dequantise_blocks.h"

/* block: d, 16 bytes of two q each. x = (q - 8) d */
static void block_q4_0(const unsigned char *b, float *out)
{
        float d = hap_block_half(b);

        for (int i = 0; i < 16; i++) {
                out[i] = (float)((b[2 + i] & 15) - 8) * d;
                out[i + 16] = (float)((b[2 + i] >> 4) - 8) * d;
        }
}

/* block: d, m, 16 bytes of two q each. x = q d + m */
static void block_q4_1(const unsigned char *b, float *out)
{
        float d = hap_block_half(b), m = hap_block_half(b + 2);

        for (int i = 0; i < 16; i++) {
                float low = (float)(b[4 + i] & 15) * d, high = (float)(b[4 + i] >> 4) * d;

                out[i] = low + m;
                out[i + 16] = high + m;
        }
}

/* block: d, 32 high bits, 16 bytes of two low q each. x = (q - 16) d */
static void block_q5_0(const unsigned char *b, float *out)
{
        float d = hap_block_half(b);
        uint32_t high = hap_block_u32(b + 2);

        for (int i = 0; i < 16; i++) {
                uint32_t low = b[6 + i] & 15u, up = b[6 + i] >> 4;

                out[i] = (float)((int)(low | (high >> i & 1) << 4) - 16) * d;
                out[i + 16] = (float)((int)(up | (high >> (i + 16) & 1) << 4) - 16) * d;
        }
}

/* block: d, m, 32 high bits, 16 bytes of two low q each. x = q d + m */
static void block_q5_1(const unsigned char *b, float *out)
{
        float d = hap_block_half(b), m = hap_block_half(b + 2);
        uint32_t high = hap_block_u32(b + 4);

        for (int i = 0; i < 16; i++) {
                uint32_t low = b[8 + i] & 15u, up = b[8 + i] >> 4;
                float x = (float)(low | (high >> i & 1) << 4) * d;
                float y = (float)(up | (high >> (i + 16) & 1) << 4) * d;

                out[i] = x + m;
                out[i + 16] = y + m;
        }
}

/* block: d, 32 signed q. x = q d */
static void block_q8_0(const unsigned char *b, float *out)
{
        float d = hap_block_half(b);

        for (int i = 0; i < 32; i++)
                out[i] = (float)(int8_t)b[2 + i] * d;
}

/* Scale and offset of sub-block j of 8, six bits each, packed in 12 bytes. */
static void k_scale(const unsigned char *packed, int j, float *scale, float *offset)
{
        if (j < 4) {
                *scale = (float)(packed[j] & 63);
                *offset = (float)(packed[j + 4] & 63);
        } else {
                *scale = (float)((packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4);
                *offset = (float)((packed[j + 4] >> 4) | (packed[j] >> 6) << 4);
        }
}

/* block: d, m, 12 bytes of scales s and offsets o of 8 sub-blocks of 32, 128
 * bytes of two q each (low halves: one sub-block, high: the next).
 * x = q d s - m o */
static void block_q4_k(const unsigned char *b, float *out)
{
        float d = hap_block_half(b), m = hap_block_half(b + 2);
        const unsigned char *q = b + 16;

        for (int j = 0; j < 8; j++) {
                float scale, offset;

                k_scale(b + 4, j, &scale, &offset);
                scale *= d;
                offset *= m;
                for (int i = 0; i < 32; i++) {
                        unsigned byte = q[32 * (j / 2) + i];
                        float x = scale * (float)(j % 2 ? byte >> 4 : byte & 15);

                        out[32 * j + i] = x - offset;
                }
        }
}

/* As Q4_K, with 32 bytes for the fifth bits of all q: bit j of byte i
 * belongs to value i of sub-block j. */
static void block_q5_k(const unsigned char *b, float *out)
{
        float d = hap_block_half(b), m = hap_block_half(b + 2);
        const unsigned char *high = b + 16, *q = b + 48;

        for (int j = 0; j < 8; j++) {
                float scale, offset;

                k_scale(b + 4, j, &scale, &offset);
                scale *= d;
                offset *= m;
                for (int i = 0; i < 32; i++) {
                        unsigned byte = q[32 * (j / 2) + i];
                        unsigned low = j % 2 ? byte >> 4 : byte & 15;
                        float x = scale * (float)(low | (high[i] >> j & 1u) << 4);

                        out[32 * j + i] = x - offset;
                }
        }
}

/* block: 128 bytes of low four bits, 64 of high two bits, 16 signed scales s
 * of sub-blocks of 16, d. x = (q - 32) d s. Each half of 128 values uses 64
 * low bytes (values 0-63 their low, 64-127 their high halves) and 32 high. */
static void block_q6_k(const unsigned char *b, float *out)
{
        float d = hap_block_half(b + 208);

        for (int j = 0; j < 256; j++) {
                int half = j / 128, k = j % 128;
                unsigned low = b[64 * half + k % 64] >> (k / 64 * 4) & 15u;
                unsigned high = b[128 + 32 * half + k % 32] >> (k / 32 * 2) & 3u;
                float scale = d * (float)(int8_t)b[192 + j / 16];

                out[j] = scale * (float)((int)(low | high << 4) - 32);
        }
}

/* one double, rounded to the nearest float; infinite beyond float's range */
static void block_f64(const unsigned char *b, float *out)
{
        double value;

        memcpy(&value, b, sizeof value);
        *out = (float)value;
}

static void (*const read_block[HAP_STORED_KINDS])(const unsigned char *, float *) = {
        [HAP_STORED_Q4_0] = block_q4_0, [HAP_STORED_Q4_1] = block_q4_1,
        [HAP_STORED_Q5_0] = block_q5_0, [HAP_STORED_Q5_1] = block_q5_1,
        [HAP_STORED_Q8_0] = block_q8_0, [HAP_STORED_Q4_K] = block_q4_k,
        [HAP_STORED_Q5_K] = block_q5_k, [HAP_STORED_Q6_K] = block_q6_k,
        [HAP_STORED_F64] = block_f64,
        [HAP_STORED_Q2_K] = hap_block_q2_k,
        [HAP_STORED_Q3_K] = hap_block_q3_k,
        [HAP_STORED_IQ2_XXS] = hap_block_iq2_xxs,
        [HAP_STORED_IQ2_XS] = hap_block_iq2_xs,
        [HAP_STORED_IQ3_XXS] = hap_block_iq3_xxs,
        [HAP_STORED_IQ1_S] = hap_block_iq1_s,
        [HAP_STORED_IQ4_NL] = hap_block_iq4_nl,
        [HAP_STORED_IQ3_S] = hap_block_iq3_s,
        [HAP_STORED_IQ2_S] = hap_block_iq2_s,
        [HAP_STORED_IQ4_XS] = hap_block_iq4_xs,
        [HAP_STORED_IQ1_M] = hap_block_iq1_m,
        [HAP_STORED_TQ1_0] = hap_block_tq1_0,
        [HAP_STORED_TQ2_0] = hap_block_tq2_0,
        [HAP_STORED_MXFP4] = hap_block_mxfp4,
};

static void read_floats(int kind, const unsigned char *data, size_t n, float *out)
{
        const struct hap_tensor tensor = {
                .dtype = kind == HAP_STORED_F32   ? HAP_F32
                         : kind == HAP_STORED_F16 ? HAP_F16
                                                  : HAP_BF16,
                .data = data,
        };

        hap_tensor_read(&tensor, 0, n, out);
}

void hap_dequantise(int kind, const unsigned char *data, size_t n, float *out)
{
        const size_t block = hap_storage_block(kind), bytes = hap_storage_block_bytes(kind);

        if (kind == HAP_STORED_F32 || kind == HAP_STORED_F16 || kind == HAP_STORED_BF16)
                read_floats(kind, data, n, out);
        else
                for (size_t i = 0; i < n / block; i++)
                        read_block[kind](data + i * bytes, out + i * block);
}
