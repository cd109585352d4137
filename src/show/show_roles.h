/* What a report says of the roles of heads (hap-eval --roles). */
#ifndef HAP_SHOW_SHOW_ROLES_H
#define HAP_SHOW_SHOW_ROLES_H

#include <jansson.h>
#include <stdio.h>

#include "common/error.h"

/* Writes a row for every role of a head, the largest direct effects, and the loadings of edges;
 * nothing if no record is of that kind (hap_is_of_roles). HAP_ESYSTEM: memory is short. */
int hap_write_roles(const json_t *records, FILE *out, struct hap_error *err);

#endif
