/* Swaps: edges outside a circuit against edges inside it.
 *
 * Gradients at the circuit, for half of the prompts with some edges flipped at
 * random, propose a few edges to add and a few to remove; each is tried alone
 * by exact KL, and the best 1, 2, 3 pairs are exchanged together. */
#ifndef HAP_PRUNE_SWAPS_H
#define HAP_PRUNE_SWAPS_H

#include "prune/pruning.h"

/* One round of swaps at the circuit z ([n_edges], changed in place when that
 * lowers the KL on training prompts, *kl). 1 when it did, 0 when not. */
int hap_swap_round(struct hap_pruning *pruning, int64_t round, float *z, double *kl,
                   struct hap_error *err);

#endif
