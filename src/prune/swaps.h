/* Swaps: exchanges edges outside a circuit for edges inside it.
 *
 * Gradients at the circuit, for every second prompt with some edges flipped at random, propose
 * a few edges to add and a few to remove. The exact KL of each flip alone orders them. The
 * best 1, 2 and 3 pairs are then exchanged together. */
#ifndef HAP_PRUNE_SWAPS_H
#define HAP_PRUNE_SWAPS_H

#include "prune/pruning.h"

/* Runs round `round` of swaps on the circuit z ([n_edges]). 1: z was changed, and its KL on
 * training prompts is lower; 0: no exchange lowers it. *kl: z's mean KL. */
int hap_swap_round(struct hap_pruning *pruning, int64_t round, float *z, double *kl,
                   struct hap_error *err);

#endif
