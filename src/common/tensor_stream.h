/* Tensors in records of a stream: maps {"dtype", "shape", "data"}. */
#ifndef HAP_COMMON_TENSOR_STREAM_H
#define HAP_COMMON_TENSOR_STREAM_H

#include <msgpack.h>
#include <stddef.h>

#include "common/error.h"
#include "common/stream_out.h"
#include "common/tensor.h"

/* A tensor as a map {"dtype", "shape", "data"}: its data stay in the record.
 * HAP_EINPUT, with the reason, when the object is not a tensor or the number of
 * bytes does not fit its shape. */
int hap_tensor_of(const msgpack_object *object, struct hap_tensor *tensor,
                  struct hap_error *err);
/* Writes f32 values as a tensor of the dtype, rounded to nearest even. */
int hap_stream_out_tensor(struct hap_stream_out *out, enum hap_dtype dtype,
                          int n_dims, const size_t *shape, const float *values,
                          struct hap_error *err);

#endif
