/* Scores and circuits in words. */
#ifndef HAP_SHOW_SHOW_EDGES_H
#define HAP_SHOW_SHOW_EDGES_H

#include <stddef.h>
#include <stdio.h>

#include "graph/edges.h"

/* Of scores: their distribution, and the `top` largest. Of a circuit: its size, its live
 * nodes, the heads of every layer, and `top` edges. */
int hap_write_edges(const struct hap_edges *edges, size_t top, FILE *out,
                    struct hap_error *err);

#endif
