/* Adding entries to an array. An entry is stored as a byte for its kind and
 *
 *      BOOL, INT: int64        FLOAT: double        TEXT: uint64 bytes, the bytes
 *      INTS, FLOATS, tensors: uint64 dimensions, uint64 sizes[dimensions], the numbers
 *
 * Those of lists are int64 or double, those of tensors as in the stream. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "common/json.h"
#include "common/tensor_stream.h"
#include "convert/npy.h"

/* The integers up to it are exact as doubles. */
#define EXACT ((uint64_t)1 << 53)

void hap_array_release(struct hap_array *array)
{
        hap_byte_store_release(&array->entries);
}

static int begin_entry(struct hap_array *array, enum hap_entry kind, struct hap_error *err)
{
        const unsigned char byte = (unsigned char)kind;

        array->n++;
        array->n_of[kind]++;
        return hap_byte_store_add(&array->entries, &byte, 1, err);
}

static int add_scalar(struct hap_array *array, enum hap_entry kind, const void *bytes,
                      struct hap_error *err)
{
        if (begin_entry(array, kind, err) < 0)
                return err->code;
        return hap_byte_store_add(&array->entries, bytes, 8, err);
}

int hap_array_add_int(struct hap_array *array, int64_t value, struct hap_error *err)
{
        return add_scalar(array, HAP_ENTRY_INT, &value, err);
}

int hap_array_fill(struct hap_array *array, uint64_t n, struct hap_error *err)
{
        while (array->n < n)
                if (begin_entry(array, HAP_ENTRY_MISSING, err) < 0)
                        return err->code;
        return HAP_OK;
}

int hap_array_add_text(struct hap_array *array, const char *text, size_t n, struct hap_error *err)
{
        const uint64_t size = n;
        utf8proc_int32_t character;

        for (size_t at = 0; at < n;) {
                const utf8proc_ssize_t bytes = utf8proc_iterate(
                        (const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(n - at), &character);

                if (bytes <= 0 || character == 0)
                        return hap_fail(err, HAP_EINPUT, bytes <= 0 ? "it is not UTF-8"
                                        : "it contains a NUL, which ends a text in NumPy");
                at += (size_t)bytes;
        }
        if (begin_entry(array, HAP_ENTRY_TEXT, err) < 0 ||
            hap_byte_store_add(&array->entries, &size, sizeof size, err) < 0)
                return err->code;
        return hap_byte_store_add(&array->entries, text, n, err);
}

static int add_json(struct hap_array *array, const msgpack_object *value, struct hap_error *err)
{
        json_t *json = hap_json_of(value);
        char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        int rc = text ? hap_array_add_text(array, text, strlen(text), err)
                      : hap_fail(err, HAP_EINPUT, "it contains binary data, or a number that is not "
                                 "finite, within a list or a map");

        free(text);
        json_decref(json);
        return rc;
}

static int begin_shaped(struct hap_array *array, enum hap_entry kind, int n_dims,
                        const uint64_t *shape, struct hap_error *err)
{
        const uint64_t dims = (uint64_t)n_dims;

        if (!array->shaped) {
                array->shaped = true;
                array->n_dims = n_dims;
                memcpy(array->shape, shape, dims * sizeof *shape);
        }
        array->ragged |= array->n_dims != n_dims ||
                         memcmp(array->shape, shape, dims * sizeof *shape) != 0;
        if (begin_entry(array, kind, err) < 0 ||
            hap_byte_store_add(&array->entries, &dims, sizeof dims, err) < 0)
                return err->code;
        return hap_byte_store_add(&array->entries, shape, dims * sizeof *shape, err);
}

/* INT for a list of integers, FLOAT for one of numbers, MISSING for any other. */
static enum hap_entry kind_of_list(const msgpack_object_array *list)
{
        enum hap_entry kind = HAP_ENTRY_INT;

        for (uint32_t i = 0; i < list->size; i++)
                switch (list->ptr[i].type) {
                case MSGPACK_OBJECT_POSITIVE_INTEGER:
                case MSGPACK_OBJECT_NEGATIVE_INTEGER:
                        break;
                case MSGPACK_OBJECT_FLOAT32:
                case MSGPACK_OBJECT_FLOAT64:
                        kind = HAP_ENTRY_FLOAT;
                        break;
                default:
                        return HAP_ENTRY_MISSING;
                }
        return kind;
}

static int check_exact(const msgpack_object *value, struct hap_error *err)
{
        if ((value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 > EXACT) ||
            (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && value->via.i64 < -(int64_t)EXACT))
                return hap_fail(err, HAP_EINPUT, "an integer beyond 2^53 is not exact in an array");
        return HAP_OK;
}

static int add_list(struct hap_array *array, const msgpack_object *value, struct hap_error *err)
{
        const msgpack_object_array *list = &value->via.array;
        const enum hap_entry kind = kind_of_list(list);
        const uint64_t size = list->size;
        double number = 0;

        if (kind == HAP_ENTRY_MISSING)
                return add_json(array, value, err);
        if (begin_shaped(array, kind == HAP_ENTRY_INT ? HAP_ENTRY_INTS : HAP_ENTRY_FLOATS, 1, &size,
                         err) < 0)
                return err->code;
        for (uint32_t i = 0; i < list->size; i++) {
                const msgpack_object *item = list->ptr + i;

                if (check_exact(item, err) < 0)
                        return err->code;
                hap_object_number(item, &number);
                if (hap_byte_store_add(&array->entries,
                                       kind == HAP_ENTRY_INT ? (const void *)&item->via.i64 : &number,
                                       8, err) < 0)
                        return err->code;
        }
        return HAP_OK;
}

static int add_tensor(struct hap_array *array, const msgpack_object *value, struct hap_error *err)
{
        uint64_t shape[HAP_MAX_DIMS] = {0};
        struct hap_tensor tensor;

        if (hap_tensor_of(value, &tensor, err) < 0)
                return err->code;
        for (int i = 0; i < tensor.n_dims; i++)
                shape[i] = tensor.shape[i];
        if (begin_shaped(array, HAP_ENTRY_F32 + tensor.dtype, tensor.n_dims, shape, err) < 0)
                return err->code;
        return hap_byte_store_add(&array->entries, tensor.data,
                                  tensor.n * hap_dtype_bytes[tensor.dtype], err);
}

static int add_value(struct hap_array *array, const msgpack_object *value, struct hap_error *err)
{
        const int64_t flag = value->type == MSGPACK_OBJECT_BOOLEAN && value->via.boolean;

        switch (value->type) {
        case MSGPACK_OBJECT_NIL:
                return hap_array_fill(array, array->n + 1, err);
        case MSGPACK_OBJECT_BOOLEAN:
                return add_scalar(array, HAP_ENTRY_BOOL, &flag, err);
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
                return check_exact(value, err) < 0 ? err->code
                                                   : hap_array_add_int(array, value->via.i64, err);
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64:
                return add_scalar(array, HAP_ENTRY_FLOAT, &value->via.f64, err);
        case MSGPACK_OBJECT_STR:
                return hap_array_add_text(array, value->via.str.ptr, value->via.str.size, err);
        case MSGPACK_OBJECT_ARRAY:
                return add_list(array, value, err);
        default:
                return hap_map_get(value, "dtype") && hap_map_get(value, "data")
                               ? add_tensor(array, value, err) : add_json(array, value, err);
        }
}

int hap_array_add(struct hap_array *array, const msgpack_object *value, struct hap_error *err)
{
        uint64_t tensors;

        if (add_value(array, value, err) < 0)
                return err->code;
        tensors = array->n_of[HAP_ENTRY_F32] + array->n_of[HAP_ENTRY_F16] +
                  array->n_of[HAP_ENTRY_BF16];
        if (tensors && tensors + array->n_of[HAP_ENTRY_MISSING] != array->n)
                return hap_fail(err, HAP_EINPUT, "it is a tensor in some records and none in others");
        return HAP_OK;
}
