/* Scores and circuits in words. */
#ifndef HAP_SHOW_SHOW_EDGES_H
#define HAP_SHOW_SHOW_EDGES_H

#include <stddef.h>
#include <stdio.h>

#include "graph/edges.h"

/* Of scores: their distribution, and the `top` largest (0: 20). Of a circuit: its size, its live
 * nodes, the heads of every layer, and the `top` strongest edges, by `scores` over the same graph
 * if not NULL, else by what the circuit carries. Without a ranking, its edges by reader, if they
 * are not too many. */
int hap_write_edges(const struct hap_edges *edges, const struct hap_edges *scores, size_t top,
                    FILE *out, struct hap_error *err);

#endif
