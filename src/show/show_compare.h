/* Circuits side by side: edges by layer and by head. */
#ifndef HAP_SHOW_SHOW_COMPARE_H
#define HAP_SHOW_SHOW_COMPARE_H

#include "common/error.h"
#include "show/show_read.h"

/* For two circuits or more of the same graph, writes a table with a column for each, numbered in the
 * order of the input: the edges into each layer and into the logits, then the edges into and out of
 * the heads and MLPs that have the most. Writes nothing if there are fewer or they differ. */
int hap_write_comparison(const struct hap_show *show, FILE *out, struct hap_error *err);

#endif
