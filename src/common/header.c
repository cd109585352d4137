#include "common/header.h"

const char *hap_header_name(const json_t *header, const char *key)
{
        const json_t *value = json_object_get(header, key);
        const char *name = json_string_value(json_is_object(value) ? json_object_get(value, "name")
                                                                   : value);

        return name ? name : "";
}

void hap_header_join(json_t *header, const json_t *other)
{
        json_t *history = json_object_get(header, "history"), *entry, *here;
        size_t i, k;

        if (!json_is_array(history)) {
                history = json_array();
                json_object_set_new(header, "history", history);
        }
        json_array_foreach(json_object_get(other, "history"), i, entry) {
                json_array_foreach(history, k, here) {
                        if (json_equal(entry, here))
                                break;
                }
                if (k == json_array_size(history))
                        json_array_append(history, entry);
        }
}
