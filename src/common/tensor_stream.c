/* Tensors in records: maps {"dtype", "shape", "data"}. */
#include <string.h>

#include "common/arena.h"
#include "common/scan.h"
#include "common/stream.h"

/* Elements that are converted at a time. */
#define CHUNK 4096

static int tensor_shape(const msgpack_object *shape, struct hap_tensor *tensor,
                        struct hap_error *err)
{
        if (!shape || shape->type != MSGPACK_OBJECT_ARRAY || shape->via.array.size > HAP_MAX_DIMS)
                return hap_fail(err, HAP_EINPUT, "a tensor needs a shape of at most %d dimensions",
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
                if (hap_object_is_text(dtype, hap_dtype_name(i)))
                        known = i;
        if (known < 0)
                return hap_fail(err, HAP_EINPUT, "a tensor has unknown dtype '%.*s'",
                                (int)(dtype->via.str.size < 32 ? dtype->via.str.size : 32),
                                dtype->via.str.ptr);
        *tensor = (struct hap_tensor){.dtype = (enum hap_dtype)known, .data = data->via.bin.ptr};
        rc = tensor_shape(hap_map_get(object, "shape"), tensor, err);
        if (rc < 0)
                return rc;
        if (tensor->n * hap_dtype_bytes[known] != data->via.bin.size)
                return hap_fail(err, HAP_EINPUT, "a tensor of %zu %s values has %u bytes",
                                tensor->n, hap_dtype_name((enum hap_dtype)known),
                                data->via.bin.size);
        return 0;
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
        hap_pack_text_entry(packer, "dtype", hap_dtype_name(dtype));
        hap_pack_text(packer, "shape");
        msgpack_pack_array(packer, (size_t)n_dims);
        for (int d = 0; d < n_dims; d++)
                msgpack_pack_uint64(packer, shape[d]);
        hap_pack_text(packer, "data");
        if (dtype == HAP_F32)
                return hap_stream_out_bin(out, values, n * sizeof(*values), err);
        return write_halves(out, dtype, n, values, err);
}
