/* The formats of ggml with two, three and one and a half bits, tables of values, and ternary values
 * (ggml-quants.c). d is a half-precision number. "Nibble i" of bytes is the low half of byte i / 2
 * for even i, else its high half. */
#include <stdint.h>
#include <string.h>

#include "model/dequantise.h"
#include "model/dequantise_blocks.h"
#include "model/dequantise_grids.h"

static unsigned nibble(const unsigned char *b, int i)
{
        return b[i / 2] >> (i % 2 * 4) & 15u;
}

/* block: 16 scales s and offsets o of four bits (low, high) of sub-blocks of 16, 64 bytes of four
 * q each, d, m. x = q d s - m o */
void hap_block_q2_k(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b + 80), m = hap_block_half(b + 82);

        for (int j = 0; j < 256; j++) {
                const unsigned q = b[16 + j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2) & 3u;
                const float scale = d * (float)(b[j / 16] & 15), offset = m * (float)(b[j / 16] >> 4);
                const float x = scale * (float)q;

                out[j] = x - offset;
        }
}

/* block: 32 bytes of third bits, 64 of four low q each, 12 bytes of 16 scales s of six bits, d.
 * x = (q - 4) d (s - 32) */
void hap_block_q3_k(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b + 108);

        for (int j = 0; j < 256; j++) {
                const int i = j / 16;
                const unsigned low = b[32 + j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2) & 3u;
                const unsigned high = b[j % 32] >> (j / 32) & 1u;
                const unsigned s_low = b[96 + i % 8] >> (i / 8 * 4) & 15u;
                const unsigned s_high = b[104 + i % 4] >> (i / 4 * 2) & 3u;
                const float scale = d * (float)((int)(s_low | s_high << 4) - 32);

                out[j] = scale * (float)((int)(low | high << 2) - 4);
        }
}

/* Ternary digit n, from 0, of a byte that holds a fraction of 256 in base 3. */
static float ternary(unsigned char byte, int n)
{
        static const unsigned char power[] = {1, 3, 9, 27, 81};
        const unsigned char shifted = (unsigned char)(byte * power[n]);

        return (float)((int)(shifted * 3u >> 8) - 1);
}

/* block: 32 and 16 bytes of five q each, 4 bytes of four, d. x = q d, q from -1 to 1 */
void hap_block_tq1_0(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b + 52);

        for (int j = 0; j < 160; j++)
                out[j] = ternary(b[j % 32], j / 32) * d;
        for (int j = 0; j < 80; j++)
                out[160 + j] = ternary(b[32 + j % 16], j / 16) * d;
        for (int j = 0; j < 16; j++)
                out[240 + j] = ternary(b[48 + j % 4], j / 4) * d;
}

/* block: 64 bytes of four q each, d. x = (q - 1) d */
void hap_block_tq2_0(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b + 64);

        for (int j = 0; j < 256; j++) {
                const unsigned q = b[j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2) & 3u;

                out[j] = (float)((int)q - 1) * d;
        }
}

/* Twice the values of E2M1 numbers. */
static const signed char twice_e2m1[] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* 2^(e - 128), also where that is not a normal number. */
static float half_power(unsigned e)
{
        const uint32_t bits = e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23;
        float d;

        memcpy(&d, &bits, sizeof(d));
        return d;
}

/* block: an exponent e, 16 bytes of two E2M1 numbers each (low halves first).
 * x = value 2^(e - 127) */
void hap_block_mxfp4(const unsigned char *b, float *out)
{
        const float d = half_power(b[0]);

        for (int i = 0; i < 16; i++) {
                out[i] = (float)twice_e2m1[b[1 + i] & 15] * d;
                out[i + 16] = (float)twice_e2m1[b[1 + i] >> 4] * d;
        }
}

void hap_dequantise_mxfp4_apart(const unsigned char *blocks, const unsigned char *exponents,
                                size_t n, float *out)
{
        for (size_t i = 0; i < n / 2; i++) {
                const float d = half_power(exponents[i / 16]);

                out[2 * i] = (float)twice_e2m1[blocks[i] & 15] * d;
                out[2 * i + 1] = (float)twice_e2m1[blocks[i] >> 4] * d;
        }
}

/* 16 bytes of two indices each in a table of values, times d. */
static void table_values(const unsigned char *q, float d, float *out)
{
        static const signed char values[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                             1,    13,   25,  38,  53,  69,  89,  113};

        for (int i = 0; i < 16; i++) {
                out[i] = (float)values[q[i] & 15] * d;
                out[i + 16] = (float)values[q[i] >> 4] * d;
        }
}

/* block: d, 16 bytes of two indices each */
void hap_block_iq4_nl(const unsigned char *b, float *out)
{
        table_values(b + 2, hap_block_half(b), out);
}

/* block: d, 8 high and 8 low parts of scales s, 128 bytes of two indices each. x = value d (s - 32) */
void hap_block_iq4_xs(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b);

        for (int i = 0; i < 8; i++) {
                const unsigned s = nibble(b + 4, i) | (hap_block_u16(b + 2) >> (2 * i) & 3u) << 4;

                table_values(b + 8 + 16 * i, d * (float)((int)s - 32), out + 32 * i);
        }
}

/* Row `i` of a grid, 16 bits. */
static unsigned grid_row(const char *const grid[], unsigned i)
{
        const char *digits = grid[i / 16] + i % 16 * 4;
        unsigned row = 0;

        for (int k = 0; k < 4; k++) {
                const unsigned char c = (unsigned char)digits[k];
                const unsigned digit = c <= '9' ? c - 48u : (c | 32u) - 87u;

                row |= digit << (k / 2 * 8 + (k % 2 ? 0 : 4));
        }
        return row;
}

/* Eight values of a grid of two bits times d; bit j of `signs` makes value j negative. */
static void grid_of_8(const char *const grid[], unsigned i, unsigned signs, float d, float *out)
{
        static const float values[] = {8, 25, 43, 0};
        const unsigned row = grid_row(grid, i);

        for (int j = 0; j < 8; j++) {
                const float x = d * values[row >> (2 * j) & 3];

                out[j] = signs >> j & 1 ? -x : x;
        }
}

/* The eighth sign makes the number of negative ones even. */
static unsigned eight_signs(unsigned seven)
{
        return seven | (unsigned)(__builtin_popcount(seven) & 1) << 7;
}

/* block: d; for each 32 values four bytes of rows, and 32 bits: four times seven signs, a scale s.
 * x = value d (s + 1/2) / 4 */
void hap_block_iq2_xxs(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b);

        for (int i = 0; i < 8; i++) {
                const unsigned char *q = b + 2 + 8 * i;
                const uint32_t rest = hap_block_u32(q + 4);
                const float scale = d * (0.5f + (float)(rest >> 28)) * 0.25f;

                for (int k = 0; k < 4; k++)
                        grid_of_8(hap_grid_iq2_xxs, q[k], eight_signs(rest >> (7 * k) & 127), scale,
                                  out + 32 * i + 8 * k);
        }
}

/* block: d, 32 times a row of nine bits and seven signs, 16 scales s. x = value d (s + 1/2) / 4 */
void hap_block_iq2_xs(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b);

        for (int i = 0; i < 32; i++) {
                const unsigned q = hap_block_u16(b + 2 + 2 * i);
                const float scale = d * (0.5f + (float)nibble(b + 66, i / 2)) * 0.25f;

                grid_of_8(hap_grid_iq2_xs, q & 511, eight_signs(q >> 9), scale, out + 8 * i);
        }
}

/* block: d, 32 low bytes of rows, 32 bytes of signs, 8 bytes of four high parts each, 16 scales s.
 * x = value d (s + 1/2) / 4 */
void hap_block_iq2_s(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b);

        for (int i = 0; i < 32; i++) {
                const unsigned high = b[66 + i / 4] >> (i % 4 * 2) & 3u;
                const float scale = d * (0.5f + (float)nibble(b + 74, i / 2)) * 0.25f;

                grid_of_8(hap_grid_iq2_s, b[2 + i] | high << 8, b[34 + i], scale, out + 8 * i);
        }
}

/* Four values of a grid of four bits times d. */
static void grid_of_4(const char *const grid[], const unsigned char values[8], unsigned i,
                      unsigned signs, float d, float *out)
{
        const unsigned row = grid_row(grid, i);

        for (int j = 0; j < 4; j++) {
                const float x = d * (float)values[row >> (4 * j) & 7];

                out[j] = signs >> j & 1 ? -x : x;
        }
}

/* block: d, 64 bytes of rows, 8 times 32 bits: four times seven signs, a scale s.
 * x = value d (s + 1/2) / 2 */
void hap_block_iq3_xxs(const unsigned char *b, float *out)
{
        static const unsigned char values[] = {4, 12, 20, 28, 36, 44, 52, 62};
        const float d = hap_block_half(b);

        for (int i = 0; i < 64; i++) {
                const uint32_t rest = hap_block_u32(b + 66 + i / 8 * 4);
                const unsigned signs = eight_signs(rest >> (i % 8 / 2 * 7) & 127);
                const float scale = d * (0.5f + (float)(rest >> 28)) * 0.5f;

                grid_of_4(hap_grid_iq3_xxs, values, b[2 + i], signs >> (i % 2 * 4), scale,
                          out + 4 * i);
        }
}

/* block: d, 64 low bytes of rows, 64 ninth bits, 32 bytes of signs, 8 scales s.
 * x = value d (2 s + 1) */
void hap_block_iq3_s(const unsigned char *b, float *out)
{
        static const unsigned char values[] = {1, 3, 5, 7, 9, 11, 13, 15};
        const float d = hap_block_half(b);

        for (int i = 0; i < 64; i++) {
                const unsigned high = b[66 + i / 8] >> (i % 8) & 1u;
                const float scale = d * (float)(1 + 2 * nibble(b + 106, i / 8));

                grid_of_4(hap_grid_iq3_s, values, b[2 + i] | high << 8,
                          b[74 + i / 2] >> (i % 2 * 4) & 15u, scale, out + 4 * i);
        }
}

/* Eight of -1, 0, 1, all moved by `delta`, times d. */
static void grid_of_ternary(unsigned i, float delta, float d, float *out)
{
        const unsigned row = grid_row(hap_grid_iq1_s, i);

        for (int j = 0; j < 8; j++) {
                const float value = (float)((int)(row >> (2 * j) & 3) - 1) + delta;

                out[j] = d * value;
        }
}

/* block: d, 32 low bytes of rows, 8 times 16 bits: four high parts, a scale s, the sign of 1/8.
 * x = (value ± 1/8) d (2 s + 1) */
void hap_block_iq1_s(const unsigned char *b, float *out)
{
        const float d = hap_block_half(b);

        for (int i = 0; i < 32; i++) {
                const unsigned rest = hap_block_u16(b + 34 + i / 4 * 2), high = rest >> (i % 4 * 3) & 7u;
                const float scale = d * (float)(2 * (rest >> 12 & 7) + 1);

                grid_of_ternary(b[2 + i] | high << 8, rest & 0x8000 ? -0.125f : 0.125f, scale,
                                out + 8 * i);
        }
}

/* block: 32 low bytes of rows, 32 nibbles: a high part, the sign of 1/8; four times 16 bits: four
 * scales s, a quarter of d. x = (value ± 1/8) d (2 s + 1) */
void hap_block_iq1_m(const unsigned char *b, float *out)
{
        unsigned bits = 0;
        float d;

        for (int i = 0; i < 4; i++)
                bits |= (hap_block_u16(b + 48 + 2 * i) >> 12) << (4 * i);
        d = hap_f16_value((uint16_t)bits);
        for (int i = 0; i < 32; i++) {
                const unsigned high = nibble(b + 32, i);
                const unsigned s = hap_block_u16(b + 48 + i / 8 * 2) >> (i / 2 % 4 * 3) & 7u;

                grid_of_ternary(b[i] | (high & 7) << 8, high & 8 ? -0.125f : 0.125f,
                                d * (float)(2 * s + 1), out + 8 * i);
        }
}
