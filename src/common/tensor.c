#include "common/tensor.h"

#include <stdbool.h>
#include <string.h>

#if defined(__F16C__) && defined(__AVX__)
#include <immintrin.h>
#endif

static const char *const dtype_names[] = {"f32", "f16", "bf16"};
const size_t hap_dtype_bytes[] = {4, 2, 2};

const char *hap_dtype_name(enum hap_dtype dtype)
{
        return dtype_names[dtype];
}

int hap_dtype_of(const char *name, enum hap_dtype *dtype)
{
        for (int i = 0; i < 3; i++)
                if (strcmp(name, dtype_names[i]) == 0) {
                        *dtype = (enum hap_dtype)i;
                        return 0;
                }
        return -1;
}

/* --- conversions, to nearest even --- */

static uint32_t bits_of(float value)
{
        uint32_t bits;

        memcpy(&bits, &value, sizeof(bits));
        return bits;
}

static float float_of(uint32_t bits)
{
        float value;

        memcpy(&value, &bits, sizeof(value));
        return value;
}

static uint16_t bf16_of(float value)
{
        uint32_t bits = bits_of(value);

        if ((bits & 0x7fffffff) > 0x7f800000)
                return (uint16_t)(bits >> 16 | 0x40); /* NaN stays NaN */
        return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static uint16_t f16_of(float value)
{
        uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;

        if (size > 0x7f800000)
                return (uint16_t)(sign | 0x7e00 | (size >> 13 & 0x3ff));
        if (size >= 0x477ff000)
                return (uint16_t)(sign | 0x7c00); /* rounds to infinity */
        if (size < 0x38800000)
                /* below 2^-14: adding .5 rounds to a multiple of 2^-24 */
                return (uint16_t)(sign | (bits_of(float_of(size) + 0.5f) - bits_of(0.5f)));
        return (uint16_t)(sign | ((size + 0xfff + (size >> 13 & 1) - 0x38000000) >> 13));
}

float hap_f16_value(uint16_t half)
{
        uint32_t sign = (uint32_t)(half & 0x8000) << 16, size = half & 0x7fff;

        if (size >= 0x7c00)
                return float_of(sign | 0x7f800000 | size << 13 | (size > 0x7c00 ? 0x400000 : 0));
        if (size < 0x400)
                return float_of(sign | bits_of((float)size * 0x1p-24f));
        return float_of(sign | ((size << 13) + 0x38000000));
}

static void to_halves(enum hap_dtype dtype, const float *values, size_t n, uint16_t *out)
{
        size_t i = 0;

        if (dtype == HAP_BF16) {
                for (; i < n; i++)
                        out[i] = bf16_of(values[i]);
                return;
        }
#if defined(__F16C__) && defined(__AVX__)
        for (; i + 8 <= n; i += 8)
                _mm_storeu_si128((__m128i *)(void *)(out + i),
                                 _mm256_cvtps_ph(_mm256_loadu_ps(values + i),
                                                 _MM_FROUND_TO_NEAREST_INT));
#endif
        for (; i < n; i++)
                out[i] = f16_of(values[i]);
}

static void from_halves(enum hap_dtype dtype, const unsigned char *data, size_t n, float *out)
{
        size_t i = 0;
        uint16_t half;

        if (dtype == HAP_BF16) {
                for (; i < n; i++) {
                        memcpy(&half, data + 2 * i, sizeof(half));
                        out[i] = float_of((uint32_t)half << 16);
                }
                return;
        }
#if defined(__F16C__) && defined(__AVX__)
        for (; i + 8 <= n; i += 8)
                _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(
                        (const __m128i *)(const void *)(data + 2 * i))));
#endif
        for (; i < n; i++) {
                memcpy(&half, data + 2 * i, sizeof(half));
                out[i] = hap_f16_value(half);
        }
}

/* --- records --- */

void hap_tensor_read(const struct hap_tensor *tensor, size_t first, size_t n, float *out)
{
        const unsigned char *data = tensor->data;

        data += first * hap_dtype_bytes[tensor->dtype];
        if (tensor->dtype == HAP_F32)
                memcpy(out, data, n * sizeof(*out));
        else
                from_halves(tensor->dtype, data, n, out);
}

/* Half precision ends at 65504. A larger finite value must not become infinite without an error. */
static bool is_beyond(float value, uint16_t half)
{
        return (half & 0x7fff) == 0x7c00 && (bits_of(value) & 0x7fffffff) != 0x7f800000;
}

size_t hap_halves_of(enum hap_dtype dtype, const float *values, size_t n, uint16_t *out)
{
        bool beyond = false;
        size_t i = 0;

        to_halves(dtype, values, n, out);
        for (size_t j = 0; dtype == HAP_F16 && j < n; j++)
                beyond |= is_beyond(values[j], out[j]);
        while (beyond && !is_beyond(values[i], out[i]))
                i++;
        return beyond ? i : n;
}
