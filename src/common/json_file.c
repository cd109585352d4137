#include "common/json_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/file_map.h"

/* Python writes integers of any length (a tokenizer without a limit has the
 * model_max_length 1000000000000000019884624838656). Appends ".0" to those that do
 * not fit 64 bits, so that they are read as reals. The caller frees the result; NULL
 * when memory is short. */
static char *long_integers_as_reals(const char *text, size_t n, size_t *length)
{
        enum { MAX_DIGITS = 18 }; /* which always fit 64 bits */
        char *out = malloc(n + n / MAX_DIGITS * 2 + 3);
        bool in_string = false, whole = false; /* digits of a whole number so far */
        size_t digits = 0, at = 0;

        for (size_t i = 0; out && i <= n; i++) {
                char c = i < n ? text[i] : ' ';

                if (!in_string && c >= '0' && c <= '9') {
                        whole = digits > 0 ? whole : !i || !strchr(".eE+", text[i - 1]);
                        digits++;
                } else {
                        if (whole && digits > MAX_DIGITS && !strchr(".eE", c)) {
                                out[at++] = '.';
                                out[at++] = '0';
                        }
                        digits = 0;
                }
                if (in_string && c == '\\' && i + 1 < n)
                        out[at++] = text[i++], c = text[i];
                else if (c == '"')
                        in_string = !in_string;
                out[at++] = c;
        }
        *length = at;
        return out;
}

json_t *hap_json_text(const char *text, size_t n, size_t flags, json_error_t *why)
{
        json_t *value = json_loadb(text, n, flags, why);
        char *again;
        size_t length;

        if (value || json_error_code(why) != json_error_numeric_overflow)
                return value;
        again = long_integers_as_reals(text, n, &length);
        if (again)
                value = json_loadb(again, length, flags, why);
        free(again);
        return value;
}

int hap_json_file(json_t **value, const char *path, size_t limit, struct hap_error *err)
{
        struct hap_file_map map;
        json_error_t why;
        int rc;

        *value = NULL;
        rc = hap_file_map_open(&map, path, err);
        if (rc < 0)
                return rc;
        if (map.size > limit) {
                rc = hap_fail(err, HAP_EINPUT, "cannot read '%s': more than %zu bytes", path,
                              limit);
                goto out;
        }
        *value = hap_json_text((const char *)map.data, map.size, JSON_REJECT_DUPLICATES, &why);
        if (!*value)
                rc = hap_fail(err, HAP_EINPUT, "cannot read '%s': line %d: %s", path, why.line,
                              why.text);
        else if (!json_is_object(*value))
                rc = hap_fail(err, HAP_EINPUT, "cannot read '%s': not a JSON object", path);
        if (rc < 0) {
                json_decref(*value);
                *value = NULL;
        }
out:
        hap_file_map_close(&map);
        return rc;
}
