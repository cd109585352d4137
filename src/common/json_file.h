/* Reading JSON that other programs wrote. */
#ifndef HAP_COMMON_JSON_FILE_H
#define HAP_COMMON_JSON_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"

/* json_loadb(), except that integers that do not fit 64 bits become reals. Returns a
 * new reference, or NULL with the reason in *why. */
json_t *hap_json_text(const char *text, size_t n, size_t flags, json_error_t *why);

/* Reads a JSON object from a file of at most `limit` bytes: a new reference in
 * *value. HAP_EINPUT: the file is larger, is not JSON, contains a key twice, or its
 * value is not an object. */
int hap_json_file(json_t **value, const char *path, size_t limit, struct hap_error *err);

#endif
