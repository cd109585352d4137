#include <string.h>

#if defined(__F16C__) && defined(__AVX__)
#include <immintrin.h>
#endif

#include "common/arena.h"
#include "common/stream.h"

static const char *const dtype_names[] = {"f32", "f16", "bf16"};
static const size_t dtype_bytes[] = {4, 2, 2};

/* Elements that are converted at a time. */
#define CHUNK 4096

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
                /* below 2^-14: adding .5 leaves a multiple of 2^-24 behind */
                return (uint16_t)(sign | (bits_of(float_of(size) + 0.5f) - bits_of(0.5f)));
        return (uint16_t)(sign | ((size + 0xfff + (size >> 13 & 1) - 0x38000000) >> 13));
}

static float f16_to(uint16_t half)
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
                out[i] = f16_to(half);
        }
}

/* --- records --- */

static int tensor_shape(const msgpack_object *shape, struct hap_tensor *tensor,
                        struct hap_error *err)
{
        if (!shape || shape->type != MSGPACK_OBJECT_ARRAY || shape->via.array.size > HAP_MAX_DIMS)
                return hap_fail(err, HAP_EINPUT, "a tensor has no shape of at most %d sizes",
                                HAP_MAX_DIMS);
        tensor->n_dims = (int)shape->via.array.size;
        tensor->n = 1;
        for (int d = 0; d < tensor->n_dims; d++) {
                const msgpack_object *size = &shape->via.array.ptr[d];

                if (size->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
                    __builtin_mul_overflow(tensor->n, size->via.u64, &tensor->n) ||
                    tensor->n > hap_limits_default.record_bytes)
                        return hap_fail(err, HAP_EINPUT, "a tensor's shape is out of range");
                tensor->shape[d] = (size_t)size->via.u64;
        }
        return 0;
}

int hap_tensor_of(const msgpack_object *object, struct hap_tensor *tensor, struct hap_error *err)
{
        const msgpack_object *dtype = hap_map_get(object, "dtype");
        const msgpack_object *data = hap_map_get(object, "data");
        int rc, known = -1;

        if (!dtype || dtype->type != MSGPACK_OBJECT_STR || !data ||
            data->type != MSGPACK_OBJECT_BIN)
                return hap_fail(err, HAP_EINPUT, "not a tensor");
        for (int i = 0; i < 3; i++)
                if (hap_object_is_text(dtype, dtype_names[i]))
                        known = i;
        if (known < 0)
                return hap_fail(err, HAP_EINPUT, "a tensor has unknown dtype '%.*s'",
                                (int)(dtype->via.str.size < 32 ? dtype->via.str.size : 32),
                                dtype->via.str.ptr);
        *tensor = (struct hap_tensor){.dtype = (enum hap_dtype)known, .data = data->via.bin.ptr};
        rc = tensor_shape(hap_map_get(object, "shape"), tensor, err);
        if (rc < 0)
                return rc;
        if (tensor->n * dtype_bytes[known] != data->via.bin.size)
                return hap_fail(err, HAP_EINPUT, "a tensor of %zu %s values has %u bytes",
                                tensor->n, dtype_names[known], data->via.bin.size);
        return 0;
}

void hap_tensor_read(const struct hap_tensor *tensor, size_t first, size_t n, float *out)
{
        const unsigned char *data = tensor->data;

        data += first * dtype_bytes[tensor->dtype];
        if (tensor->dtype == HAP_F32)
                memcpy(out, data, n * sizeof(*out));
        else
                from_halves(tensor->dtype, data, n, out);
}

/* Half precision ends at 65504: a finite value beyond must not become infinite
 * behind the user's back. */
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

static int write_halves(struct hap_stream_out *out, enum hap_dtype dtype, size_t n,
                        const float *values, struct hap_error *err)
{
        uint16_t halves[CHUNK];
        msgpack_packer *packer = hap_stream_out_packer(out);
        int rc = 0;

        msgpack_pack_bin(packer, n * sizeof(*halves));
        for (size_t at = 0; rc == 0 && at < n; at += CHUNK) {
                size_t here = n - at < CHUNK ? n - at : CHUNK;
                size_t fit = hap_halves_of(dtype, values + at, here, halves);

                if (fit < here)
                        rc = hap_fail(err, HAP_EINPUT, "cannot write %g as f16; use bf16 or f32",
                                      (double)values[at + fit]);
                msgpack_pack_bin_body(packer, halves, here * sizeof(*halves));
        }
        return rc;
}

int hap_stream_out_tensor(struct hap_stream_out *out, enum hap_dtype dtype, int n_dims,
                      const size_t *shape, const float *values, struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_packer(out);
        size_t n = 1;

        for (int d = 0; d < n_dims; d++)
                if (hap_size_mul(n, shape[d], &n) < 0 || n > hap_limits_default.record_bytes)
                        return hap_fail(err, HAP_EINPUT,
                                        "a tensor exceeds the limit of %zu bytes of a record",
                                        hap_limits_default.record_bytes);
        msgpack_pack_map(packer, 3);
        hap_pack_text(packer, "dtype");
        hap_pack_text(packer, dtype_names[dtype]);
        hap_pack_text(packer, "shape");
        msgpack_pack_array(packer, (size_t)n_dims);
        for (int d = 0; d < n_dims; d++)
                msgpack_pack_uint64(packer, shape[d]);
        hap_pack_text(packer, "data");
        if (dtype == HAP_F32)
                return hap_stream_out_bin(out, values, n * sizeof(*values), err);
        return write_halves(out, dtype, n, values, err);
}
