/* From numbers per edge to circuits of a wanted size. */
#ifndef HAP_PRUNE_EDGE_ORDER_H
#define HAP_PRUNE_EDGE_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "common/number.h"
#include "common/random.h"
#include "graph/graph.h"

/* Orders the n edges listed in `edges` by value[edge], the highest first; equal
 * ones at random, by (key, i). Writes them to `order` ([n]). -1: no memory. */
int hap_rank_edges(const double *value, const uint32_t *edges, size_t n,
                   struct hap_random_key key, uint64_t i, uint32_t *order);

/* The first `n_first` of the order, without dead edges, as masks 0 and 1
 * ([n_edges]). Returns how many edges live. */
size_t hap_rank_first(const struct hap_graph *graph, const uint32_t *order,
                      size_t n_first, float *z);

/* The longest prefix of the order with at most `most` edges alive, without the
 * dead ones. Returns how many live. */
size_t hap_rank_longest(const struct hap_graph *graph, const uint32_t *order,
                        size_t n, size_t most, float *z);

/* At least one and at most `most` edges alive: the longest prefix, or where it
 * has none alive, because paths first come in too many at once, the next longer
 * one without its last edges in the order, as far as a path is left; where that is
 * too long, the shortest path, of equally short ones that whose worst place in the
 * order is best. Then filled up (hap_rank_fill). Returns how many live, 0 when no path
 * is that short. -1: no memory. */
long hap_rank_cut(const struct hap_graph *graph, const uint32_t *order,
                  size_t n, size_t most, float *z);

/* Adds edges to a circuit without dead edges until `most` live: those between
 * nodes that live, in the order; when there are no more, pairs of edges that
 * bring another node to life (for which, where one place is left, the last edge
 * that can be spared gives way). Returns how many live then. -1: no memory. */
long hap_rank_fill(const struct hap_graph *graph, const uint32_t *order,
                   size_t n, size_t most, float *z);

/* The fewest edges of a path from an input to the logits through edges with
 * z > 0; 0 when there is none. */
size_t hap_rank_shortest(const struct hap_graph *graph, const float *z);

#endif
