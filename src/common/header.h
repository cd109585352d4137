/* Headers of sections. */
#ifndef HAP_COMMON_HEADER_H
#define HAP_COMMON_HEADER_H

#include <jansson.h>

/* Adds to a header's history the entries of another input's that it lacks. */
void hap_header_join(json_t *header, const json_t *other);
/* The name of a header's task or method, each of which is a name or an object that has
 * one: it belongs to the header; "" when there is none. */
const char *hap_header_name(const json_t *header, const char *key);

#endif
