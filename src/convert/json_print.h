/* Msgpack values as JSON text. */
#ifndef HAP_CONVERT_JSON_PRINT_H
#define HAP_CONVERT_JSON_PRINT_H

#include <stdio.h>

/* One whole msgpack value as JSON. What JSON has no word for is an object of
 * one key that begins with "$" (hap-convert(1)); reading it back gives the
 * same bytes. `bytes` must be known to be sound: a reader's raw record. */
void hap_json_print(const void *bytes, FILE *out);

#endif
