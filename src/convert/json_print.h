/* Msgpack values as JSON text. */
#ifndef HAP_CONVERT_JSON_PRINT_H
#define HAP_CONVERT_JSON_PRINT_H

#include <stdio.h>

/* Prints one msgpack value as JSON. A value that JSON cannot represent becomes an object
 * with one key that begins with "$" (hap-convert(1)); reading it back gives the same bytes.
 * `bytes` must be valid: a raw record of a stream. */
void hap_json_print(const void *bytes, FILE *out);

#endif
