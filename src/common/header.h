/* Headers of sections. */
#ifndef HAP_COMMON_HEADER_H
#define HAP_COMMON_HEADER_H

#include <jansson.h>
#include <stdbool.h>

#include "common/provenance.h"

/* The name of a header's task or method (`key`), whose value is a name or an object with
 * a "name"; "" when there is none. The header owns it. */
const char *hap_header_name(const json_t *header, const char *key);

/* The last part of the model's path in a header, *length bytes: "demo" of models/demo/; none if
 * there is none. The header owns it. */
const char *hap_header_model_name(const json_t *header, size_t *length);

/* Whether the section with this header is of the kind. */
bool hap_header_is(const json_t *header, const char *kind);

#endif
