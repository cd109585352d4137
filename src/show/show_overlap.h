/* How similar circuits are. */
#ifndef HAP_SHOW_SHOW_OVERLAP_H
#define HAP_SHOW_SHOW_OVERLAP_H

#include "show/show_read.h"

/* For two circuits or more, writes a line for each: its edges, and the intersection over
 * union with each circuit above it. */
void hap_write_overlap(const struct hap_show *show, FILE *out);

#endif
