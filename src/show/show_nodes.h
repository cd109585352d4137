/* Scores of nodes in words. */
#ifndef HAP_SHOW_SHOW_NODES_H
#define HAP_SHOW_SHOW_NODES_H

#include <jansson.h>
#include <stdio.h>

#include "common/error.h"

/* The `top` nodes with the largest magnitudes. records: {"node", "score"} each. */
int hap_write_nodes(const json_t *records, size_t top, FILE *out, struct hap_error *err);

#endif
