#include "common/header.h"

#include <string.h>

const char *hap_header_name(const json_t *header, const char *key)
{
        const json_t *value = json_object_get(header, key);
        const char *name = json_string_value(json_is_object(value) ? json_object_get(value, "name")
                                                                   : value);

        return name ? name : "";
}

const char *hap_header_model_name(const json_t *header, size_t *length)
{
        const json_t *model = json_object_get(header, "model");
        const char *path = json_string_value(json_object_get(model, "path"));
        size_t end, begin;

        path = path ? path : "";
        for (end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
                continue;
        for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
                continue;
        *length = end - begin;
        return path + begin;
}

bool hap_header_is(const json_t *header, const char *kind)
{
        const char *theirs = json_string_value(json_object_get(header, "kind"));

        return theirs && strcmp(theirs, kind) == 0;
}
