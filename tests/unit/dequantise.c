#include <jansson.h>
#include <stdlib.h>

#include "common/tensor.h"
#include "model/dequantise.h"
#include "unit.h"

#define MOST_BYTES 1024
#define MOST_VALUES 1024

static size_t read_hex(const char *hex, unsigned char *bytes)
{
        size_t n = strlen(hex) / 2;
        unsigned byte;

        for (size_t i = 0; i < n && i < MOST_BYTES; i++) {
                CHECK(sscanf(hex + 2 * i, "%2x", &byte) == 1);
                bytes[i] = (unsigned char)byte;
        }
        return n;
}

/* Random blocks against what Python's gguf package reads in them; values are
 * products and sums of few terms, so that they differ by rounding at most. */
static void check_kind(int kind)
{
        json_t *all = json_load_file("tests/golden/blocks.json", 0, NULL);
        const json_t *golden = json_object_get(all, hap_storage_name(kind));
        const json_t *values = json_object_get(golden, "values");
        size_t n = json_array_size(values), block = hap_storage_block(kind);
        unsigned char bytes[MOST_BYTES + 1];
        float out[MOST_VALUES + 1];
        double most = 0;

        CHECK(n == 3 * block && n <= MOST_VALUES);
        CHECK(read_hex(json_string_value(json_object_get(golden, "data")), bytes + 1) ==
              3 * hap_storage_block_bytes(kind));
        out[n] = 7;
        hap_dequantise(kind, bytes + 1, n, out);
        CHECK(out[n] == 7);
        for (size_t i = 0; i < n; i++) {
                double wanted = json_number_value(json_array_get(values, i));

                most = fmax(most, fabs(wanted));
                CHECK_NEAR(out[i], wanted, 1e-6 * most + 1e-12);
        }
        CHECK(most > 0.1);
        json_decref(all);
}

TEST("Q4_0 is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q4_0); }
TEST("Q4_1 is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q4_1); }
TEST("Q5_0 is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q5_0); }
TEST("Q5_1 is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q5_1); }
TEST("Q8_0 is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q8_0); }
TEST("Q4_K is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q4_K); }
TEST("Q5_K is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q5_K); }
TEST("Q6_K is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q6_K); }
TEST("Q2_K is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q2_K); }
TEST("Q3_K is read as Python's gguf package reads it") { check_kind(HAP_STORED_Q3_K); }
TEST("IQ2_XXS is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ2_XXS); }
TEST("IQ2_XS is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ2_XS); }
TEST("IQ3_XXS is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ3_XXS); }
TEST("IQ1_S is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ1_S); }
TEST("IQ4_NL is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ4_NL); }
TEST("IQ3_S is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ3_S); }
TEST("IQ2_S is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ2_S); }
TEST("IQ4_XS is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ4_XS); }
TEST("IQ1_M is read as Python's gguf package reads it") { check_kind(HAP_STORED_IQ1_M); }
TEST("TQ1_0 is read as Python's gguf package reads it") { check_kind(HAP_STORED_TQ1_0); }
TEST("TQ2_0 is read as Python's gguf package reads it") { check_kind(HAP_STORED_TQ2_0); }
TEST("MXFP4 is read as Python's gguf package reads it") { check_kind(HAP_STORED_MXFP4); }

/* IEEE 754: sign, 5 bits of exponent, 10 of fraction. */
static float half_by_definition(unsigned half)
{
        double sign = half >> 15 ? -1 : 1;
        int exponent = half >> 10 & 31, fraction = half & 1023;

        if (exponent == 31)
                return fraction ? NAN : (float)(sign * INFINITY);
        if (exponent == 0)
                return (float)(sign * ldexp(fraction, -24));
        return (float)(sign * ldexp(1024 + fraction, exponent - 25));
}

static int same(float a, float b)
{
        return isnan(a) ? isnan(b) : memcmp(&a, &b, sizeof(a)) == 0;
}

TEST("every half has its value, alone and in a row")
{
        unsigned char *bytes = malloc(2 * 65536);
        float *out = malloc(65536 * sizeof(*out));
        int wrong = 0;

        for (unsigned h = 0; h < 65536; h++) {
                bytes[2 * h] = (unsigned char)h;
                bytes[2 * h + 1] = (unsigned char)(h >> 8);
        }
        hap_dequantise(HAP_STORED_F16, bytes, 65536, out);
        for (unsigned h = 0; h < 65536; h++) {
                wrong += !same(out[h], half_by_definition(h));
                wrong += !same(hap_f16_value((uint16_t)h), half_by_definition(h));
        }
        CHECK(wrong == 0);
        free(bytes);
        free(out);
}

TEST("a bfloat16 is the upper half of a float")
{
        static const unsigned char bytes[] = {0x80, 0x3f, 0x49, 0xc0, 0x01, 0x00};
        float out[3];

        hap_dequantise(HAP_STORED_BF16, bytes, 3, out);
        CHECK(out[0] == 1.0f);
        CHECK(out[1] == -3.140625f);
        CHECK(out[2] == 0x1p-133f);
}

RUN_TESTS
