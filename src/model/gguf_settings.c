#include "model/gguf_settings.h"

#include <stdio.h>
#include <string.h>

/* A number, flag or text as JSON; NULL for another type. */
static json_t *value_to_json(const struct hap_gguf *gguf, const struct hap_gguf_value *v,
                             const char *key, size_t i)
{
        struct hap_gguf_text text;
        struct hap_error ignored;

        if (v->type == HAP_GGUF_TEXT && hap_gguf_text(gguf, key, &text, &ignored) == 1)
                return json_stringn(text.text, text.length);
        if (v->element_type == HAP_GGUF_BOOL)
                return json_boolean(hap_gguf_element_int(v, i) != 0);
        if (v->element_type == HAP_GGUF_F32 || v->element_type == HAP_GGUF_F64)
                return json_real(hap_gguf_element_real(v, i));
        return v->element_type == HAP_GGUF_TEXT ? NULL
                                                : json_integer(hap_gguf_element_int(v, i));
}

#define MAX_LIST 65536u /* elements; such lists have one per layer */

static json_t *list_to_json(const struct hap_gguf *gguf, const struct hap_gguf_value *v,
                            const char *key)
{
        json_t *list;

        if (v->type != HAP_GGUF_ARRAY)
                return value_to_json(gguf, v, key, 0);
        list = v->n <= MAX_LIST ? json_array() : NULL;
        for (size_t i = 0; list && i < v->n; i++)
                if (json_array_append_new(list, value_to_json(gguf, v, key, i)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

json_t *hap_gguf_settings(const struct hap_gguf *gguf, const char *prefix)
{
        json_t *object = json_object();
        size_t n = strlen(prefix);

        for (size_t i = 0; object && i < gguf->n_values; i++) {
                const struct hap_gguf_value *v = &gguf->values[i];
                char key[256];
                bool whole;

                if (v->key.length <= n + 1 || memcmp(v->key.text, prefix, n) != 0 ||
                    v->key.text[n] != '.')
                        continue;
                whole = v->key.length < sizeof(key);
                memcpy(key, v->key.text, whole ? v->key.length : sizeof(key) - 1);
                key[whole ? v->key.length : sizeof(key) - 1] = 0;
                /* "?" replaces a value that JSON cannot represent; a family that reads it
                 * refuses it */
                if (!whole ||
                    json_object_set_new(object, key + n + 1, list_to_json(gguf, v, key)) < 0)
                        json_object_set_new(object, key + n + 1, json_string("?"));
        }
        return object;
}
