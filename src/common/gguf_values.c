/* Metadata of a GGUF file by key. */
#include <stdlib.h>
#include <string.h>

#include "common/gguf.h"

const struct hap_gguf_value *hap_gguf_find(const struct hap_gguf *gguf, const char *key)
{
        size_t first = 0, end = gguf->n_values, length = strlen(key);

        while (first < end) {
                size_t middle = first + (end - first) / 2;
                const struct hap_gguf_text *k = &gguf->values[middle].key;
                size_t n = k->length < length ? k->length : length;
                int order = memcmp(k->text, key, n);

                if (order == 0)
                        order = (k->length > length) - (k->length < length);
                if (order == 0)
                        return &gguf->values[middle];
                if (order < 0)
                        first = middle + 1;
                else
                        end = middle;
        }
        return NULL;
}

static uint64_t element_bits(const struct hap_gguf_value *value, size_t i, size_t bytes)
{
        uint64_t bits = 0;

        for (size_t b = bytes; b-- > 0;)
                bits = bits << 8 | value->data[i * bytes + b];
        return bits;
}

int64_t hap_gguf_element_int(const struct hap_gguf_value *value, size_t i)
{
        switch (value->element_type) {
        case HAP_GGUF_U8:
        case HAP_GGUF_BOOL:
                return (int64_t)element_bits(value, i, 1);
        case HAP_GGUF_I8:
                return (int8_t)element_bits(value, i, 1);
        case HAP_GGUF_U16:
                return (int64_t)element_bits(value, i, 2);
        case HAP_GGUF_I16:
                return (int16_t)element_bits(value, i, 2);
        case HAP_GGUF_U32:
                return (int64_t)element_bits(value, i, 4);
        case HAP_GGUF_I32:
                return (int32_t)element_bits(value, i, 4);
        case HAP_GGUF_U64:
        case HAP_GGUF_I64:
                return (int64_t)element_bits(value, i, 8);
        default:
                return 0;
        }
}

double hap_gguf_element_real(const struct hap_gguf_value *value, size_t i)
{
        if (value->element_type == HAP_GGUF_F32) {
                uint32_t bits = (uint32_t)element_bits(value, i, 4);
                float number;

                memcpy(&number, &bits, sizeof(number));
                return (double)number;
        }
        if (value->element_type == HAP_GGUF_F64) {
                uint64_t bits = element_bits(value, i, 8);
                double number;

                memcpy(&number, &bits, sizeof(number));
                return number;
        }
        if (value->element_type == HAP_GGUF_U64)
                return (double)element_bits(value, i, 8);
        return (double)hap_gguf_element_int(value, i);
}

static bool is_integer(int type)
{
        return type <= HAP_GGUF_I32 || type == HAP_GGUF_U64 || type == HAP_GGUF_I64;
}

static bool is_number(int type)
{
        return is_integer(type) || type == HAP_GGUF_F32 || type == HAP_GGUF_F64;
}

static int wrong(const struct hap_gguf *gguf, const char *key, const char *expected,
                 struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': metadata '%s' is not %s", gguf->path,
                        key, expected);
}

int hap_gguf_int(const struct hap_gguf *gguf, const char *key, int64_t *value,
                 struct hap_error *err)
{
        const struct hap_gguf_value *v = hap_gguf_find(gguf, key);

        if (!v)
                return 0;
        if (!is_integer(v->type))
                return wrong(gguf, key, "a whole number", err);
        if (v->type == HAP_GGUF_U64 && element_bits(v, 0, 8) > INT64_MAX)
                return wrong(gguf, key, "a number below 2^63", err);
        *value = hap_gguf_element_int(v, 0);
        return 1;
}

int hap_gguf_bool(const struct hap_gguf *gguf, const char *key, bool *value,
                  struct hap_error *err)
{
        const struct hap_gguf_value *v = hap_gguf_find(gguf, key);

        if (!v)
                return 0;
        if (v->type != HAP_GGUF_BOOL)
                return wrong(gguf, key, "true or false", err);
        *value = v->data[0] != 0;
        return 1;
}

/* Reads the text at *at and moves *at past it. Its length was checked when the file was opened. */
static struct hap_gguf_text next_text(const unsigned char **at)
{
        uint64_t length = 0;
        struct hap_gguf_text text;

        for (int b = 7; b >= 0; b--)
                length = length << 8 | (*at)[b];
        text = (struct hap_gguf_text){(const char *)*at + 8, (size_t)length};
        *at += 8 + length;
        return text;
}

int hap_gguf_text(const struct hap_gguf *gguf, const char *key,
                  struct hap_gguf_text *value, struct hap_error *err)
{
        const struct hap_gguf_value *v = hap_gguf_find(gguf, key);
        const unsigned char *at;

        if (!v)
                return 0;
        if (v->type != HAP_GGUF_TEXT)
                return wrong(gguf, key, "a text", err);
        at = v->data;
        *value = next_text(&at);
        return 1;
}

int hap_gguf_texts(const struct hap_gguf *gguf, const char *key,
                   struct hap_gguf_text **items, size_t *n, struct hap_error *err)
{
        const struct hap_gguf_value *v = hap_gguf_find(gguf, key);
        const unsigned char *at;

        if (!v)
                return 0;
        if (v->type != HAP_GGUF_ARRAY || v->element_type != HAP_GGUF_TEXT)
                return wrong(gguf, key, "a list of texts", err);
        *n = v->n;
        *items = calloc(v->n + 1, sizeof(**items));
        if (!*items)
                return hap_fail_memory(err, key);
        at = v->data;
        for (size_t i = 0; i < v->n; i++)
                (*items)[i] = next_text(&at);
        return 1;
}

int hap_gguf_ints(const struct hap_gguf *gguf, const char *key, int64_t **items,
                  size_t *n, struct hap_error *err)
{
        const struct hap_gguf_value *v = hap_gguf_find(gguf, key);

        if (!v)
                return 0;
        if (v->type != HAP_GGUF_ARRAY || !(is_integer(v->element_type) ||
                                           v->element_type == HAP_GGUF_BOOL))
                return wrong(gguf, key, "a list of whole numbers", err);
        *n = v->n;
        *items = calloc(v->n + 1, sizeof(**items));
        if (!*items)
                return hap_fail_memory(err, key);
        for (size_t i = 0; i < v->n; i++)
                (*items)[i] = hap_gguf_element_int(v, i);
        return 1;
}

int hap_gguf_reals(const struct hap_gguf *gguf, const char *key, float **items,
                   size_t *n, struct hap_error *err)
{
        const struct hap_gguf_value *v = hap_gguf_find(gguf, key);

        if (!v)
                return 0;
        if (v->type != HAP_GGUF_ARRAY || !is_number(v->element_type))
                return wrong(gguf, key, "a list of numbers", err);
        *n = v->n;
        *items = calloc(v->n + 1, sizeof(**items));
        if (!*items)
                return hap_fail_memory(err, key);
        for (size_t i = 0; i < v->n; i++)
                (*items)[i] = (float)hap_gguf_element_real(v, i);
        return 1;
}
