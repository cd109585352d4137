/* What a report says of the roles of heads (hap-eval --roles). */
#ifndef HAP_SHOW_SHOW_ROLES_H
#define HAP_SHOW_SHOW_ROLES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"

/* Whether the record is of a head, a node or an edge, not of a circuit. */
bool hap_is_of_roles(const json_t *record);

/* Writes a row for every role of a head, the largest direct effects, and the loadings of edges;
 * nothing if no record is of that kind. */
int hap_write_roles(const json_t *records, FILE *out, struct hap_error *err);

#endif
