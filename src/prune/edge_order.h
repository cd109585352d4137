/* The order of edges by a value, and circuits of a wanted size made of its first edges. */
#ifndef HAP_PRUNE_EDGE_ORDER_H
#define HAP_PRUNE_EDGE_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "common/number.h"
#include "common/random.h"
#include "graph/graph.h"

/* Sorts the n edges listed in `edges` by value[edge], highest first, ties broken at random
 * by (key, i), and writes them to `order` ([n]). -1: no memory. */
int hap_edge_order_sort(const double *value, const uint32_t *edges, size_t n,
                        struct hap_random_key key, uint64_t i, uint32_t *order);

/* Sets z ([n_edges]) to 1 for the first `n_first` edges of the order, without dead ones, and
 * to 0 for all others. Returns the number of live edges. */
size_t hap_edge_order_first(const struct hap_graph *graph, const uint32_t *order, size_t n_first,
                            float *z);

/* The same for the longest prefix of the order that has at most `max` live edges. */
size_t hap_edge_order_longest(const struct hap_graph *graph, const uint32_t *order, size_t n,
                              size_t max, float *z);

/* Sets z ([n_edges]) to a circuit of at least one and at most `max` live edges. It begins with
 * the longest prefix of the order that fits. If that has no live edge, because the first path
 * completes too many edges at once, it takes the next longer prefix and removes its last
 * edges as long as a path is left. If that has still too many edges, it takes the shortest
 * path; among equally short paths, the one whose latest place in the order is earliest.
 * hap_edge_order_fill then adds edges. Returns the number of live edges; 0: no path is that short;
 * -1: no memory. */
long hap_edge_order_cut(const struct hap_graph *graph, const uint32_t *order, size_t n, size_t max,
                        float *z);

/* Adds edges to a circuit without dead edges until `max` live: first the edges between live
 * nodes, in the order, then pairs of edges that bring another node to life. If only one more edge
 * fits, such a pair replaces the last edge that no other depends on. Returns the number of live
 * edges. -1: no memory. */
long hap_edge_order_fill(const struct hap_graph *graph, const uint32_t *order, size_t n, size_t max,
                         float *z);

/* The number of edges of the shortest path from an input to the logits through edges with
 * z > 0. 0: there is no path, or no memory. */
size_t hap_edge_order_shortest_path(const struct hap_graph *graph, const float *z);

#endif
