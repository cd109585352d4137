#include "common/header.h"

#include <string.h>

const char *hap_header_name(const json_t *header, const char *key)
{
        const json_t *value = json_object_get(header, key);
        const char *name = json_string_value(json_is_object(value) ? json_object_get(value, "name")
                                                                   : value);

        return name ? name : "";
}

bool hap_header_is(const json_t *header, const char *kind)
{
        const char *theirs = json_string_value(json_object_get(header, "kind"));

        return theirs && strcmp(theirs, kind) == 0;
}
