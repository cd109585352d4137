/* How similar the circuits of several seeds are (--seeds). */
#ifndef HAP_PRUNE_SEEDS_H
#define HAP_PRUNE_SEEDS_H

#include "common/program.h"

/* Starts as {0}. */
struct hap_seeds {
        size_t n, n_edges;
        bool **kept; /* [n][n_edges]; owned */
};

/* Adds a circuit, z [n_edges]. */
int hap_seeds_add(struct hap_seeds *seeds, const float *z, size_t n_edges, struct hap_error *err);
void hap_seeds_release(struct hap_seeds *seeds);

/* Says, on standard error, the intersection over union of two circuits, averaged over all pairs,
 * and how many edges all, and at least half, of the circuits have; nothing for a single one. */
void hap_seeds_say(struct hap_program *p, const struct hap_seeds *seeds);

#endif
