#include <string.h>

#include "common/json.h"

/* The bytes of a text; msgpack-c gives an empty one no address. */
static const char *json_text_of(const msgpack_object *object)
{
        return object->via.str.size ? object->via.str.ptr : "";
}

void hap_pack_text(msgpack_packer *packer, const char *text)
{
        msgpack_pack_str_with_body(packer, text, strlen(text));
}

void hap_pack_text_entry(msgpack_packer *packer, const char *key, const char *text)
{
        hap_pack_text(packer, key);
        hap_pack_text(packer, text);
}

void hap_pack_number_entry(msgpack_packer *packer, const char *key, double number)
{
        hap_pack_text(packer, key);
        msgpack_pack_double(packer, number);
}

void hap_pack_count_entry(msgpack_packer *packer, const char *key, uint64_t count)
{
        hap_pack_text(packer, key);
        msgpack_pack_uint64(packer, count);
}

static void pack_array(msgpack_packer *packer, const json_t *value)
{
        const json_t *item;
        size_t i;

        msgpack_pack_array(packer, json_array_size(value));
        json_array_foreach((json_t *)value, i, item)
                hap_pack_json(packer, item);
}

static void pack_map(msgpack_packer *packer, const json_t *value)
{
        const char *key;
        json_t *item;

        msgpack_pack_map(packer, json_object_size(value));
        json_object_foreach((json_t *)value, key, item) {
                hap_pack_text(packer, key);
                hap_pack_json(packer, item);
        }
}

void hap_pack_json(msgpack_packer *packer, const json_t *value)
{
        switch (json_typeof(value)) {
        case JSON_OBJECT:
                pack_map(packer, value);
                return;
        case JSON_ARRAY:
                pack_array(packer, value);
                return;
        case JSON_STRING:
                msgpack_pack_str_with_body(packer, json_string_value(value),
                                           json_string_length(value));
                return;
        case JSON_INTEGER:
                msgpack_pack_int64(packer, json_integer_value(value));
                return;
        case JSON_REAL:
                msgpack_pack_double(packer, json_real_value(value));
                return;
        case JSON_TRUE:
                msgpack_pack_true(packer);
                return;
        case JSON_FALSE:
                msgpack_pack_false(packer);
                return;
        case JSON_NULL:
        default:
                msgpack_pack_nil(packer);
        }
}

static json_t *json_of_map(const msgpack_object *object)
{
        json_t *map = json_object();

        for (uint32_t i = 0; map && i < object->via.map.size; i++) {
                const msgpack_object *key = &object->via.map.ptr[i].key;
                json_t *value = hap_json_of(&object->via.map.ptr[i].val);

                /* packing treats keys as C strings, so they may not contain a NUL */
                if (key->type != MSGPACK_OBJECT_STR || !value ||
                    memchr(json_text_of(key), '\0', key->via.str.size) ||
                    json_object_getn(map, json_text_of(key), key->via.str.size) ||
                    json_object_setn(map, json_text_of(key), key->via.str.size, value) < 0) {
                        json_decref(map);
                        map = NULL;
                }
                json_decref(value);
        }
        return map;
}

static json_t *json_of_array(const msgpack_object *object)
{
        json_t *array = json_array();

        for (uint32_t i = 0; array && i < object->via.array.size; i++)
                if (json_array_append_new(array, hap_json_of(&object->via.array.ptr[i])) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        return array;
}

json_t *hap_json_of(const msgpack_object *object)
{
        switch (object->type) {
        case MSGPACK_OBJECT_NIL:
                return json_null();
        case MSGPACK_OBJECT_BOOLEAN:
                return json_boolean(object->via.boolean);
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
                return object->via.u64 <= INT64_MAX ? json_integer((json_int_t)object->via.u64)
                                                    : NULL;
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
                return json_integer(object->via.i64);
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64:
                return json_real(object->via.f64);
        case MSGPACK_OBJECT_STR:
                return json_stringn(json_text_of(object), object->via.str.size);
        case MSGPACK_OBJECT_ARRAY:
                return json_of_array(object);
        case MSGPACK_OBJECT_MAP:
                return json_of_map(object);
        default:
                return NULL;
        }
}

const msgpack_object *hap_map_get(const msgpack_object *map, const char *key)
{
        size_t length = strlen(key);

        if (!map || map->type != MSGPACK_OBJECT_MAP)
                return NULL;
        for (uint32_t i = 0; i < map->via.map.size; i++) {
                const msgpack_object *k = &map->via.map.ptr[i].key;

                if (k->type == MSGPACK_OBJECT_STR && k->via.str.size == length &&
                    memcmp(json_text_of(k), key, length) == 0)
                        return &map->via.map.ptr[i].val;
        }
        return NULL;
}

bool hap_object_is_text(const msgpack_object *object, const char *text)
{
        return object && object->type == MSGPACK_OBJECT_STR &&
               object->via.str.size == strlen(text) &&
               memcmp(json_text_of(object), text, object->via.str.size) == 0;
}

bool hap_object_number(const msgpack_object *object, double *value)
{
        if (!object)
                return false;
        switch (object->type) {
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
                *value = (double)object->via.u64;
                return true;
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
                *value = (double)object->via.i64;
                return true;
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64:
                *value = object->via.f64;
                return true;
        default:
                return false;
        }
}

json_t *hap_json_plain_text(const msgpack_object *text)
{
        const msgpack_object_str *str = &text->via.str;

        return str->size && memchr(str->ptr, '\0', str->size) ? NULL
                                                              : json_stringn(str->ptr, str->size);
}

bool hap_is_blank(const char *text, size_t length)
{
        while (length && text[length - 1] && strchr(" \t\r", text[length - 1]))
                length--;
        return length == 0;
}
