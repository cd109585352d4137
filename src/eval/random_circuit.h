/* Random circuits of the size of a given one: the baseline that a circuit must beat. */
#ifndef HAP_EVAL_RANDOM_CIRCUIT_H
#define HAP_EVAL_RANDOM_CIRCUIT_H

#include "common/random.h"
#include "graph/graph.h"

/* How edges are drawn; a kind is a row of the table. */
struct hap_random_kind {
        const char *name, *help;
        /* Fills z ([n_edges]) with 0 and 1 from the edges of `like` with z > 0. i counts the
         * circuits of a key. Returns 0, or -1 without memory. */
        int (*draw)(const struct hap_graph *graph, const float *like, struct hap_random_key key,
                    uint64_t i, float *z);
};

/* NULL-terminated:
 * edges   as many edges as the circuit has, uniformly among all edges;
 * layers  as many for every pair of a writer's layer and a reader's layer as the circuit has,
 *         uniformly among the edges of that pair: the layer profile is the circuit's;
 * paths   paths from an input to the logits, until there are at least as many edges as the
 *         circuit has, as in Shi et al. 2024 (arXiv:2410.13032): no edge is dead. */
extern const struct hap_random_kind *const hap_random_kinds[];
extern const struct hap_random_kind hap_random_edges, hap_random_layers, hap_random_paths;

/* Adds the edges of one random path from an input to the logits to z and returns how many were
 * new. The path begins at a random input, and goes on along a uniformly chosen edge of the
 * node that it has reached. *draws counts the words taken from (key, i). -1: no path
 * was found, because no position of the graph leads to the logits. */
int hap_random_path(const struct hap_graph *graph, struct hap_random_key key, uint64_t i,
                    uint64_t *draws, float *z);

#endif
