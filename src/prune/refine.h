/* Refinement: moves a circuit along the gradient that is measured around it.
 *
 *      z ~ hard concrete(k ln((n + ½) / (rank + ½))) for each prompt, k large, so that
 *          only edges near the border of the circuit are uncertain
 *      v ← μ v + clip(g / mean|g|),   g = −Σ_prompts d KL / dz
 *      h ← h + λ v, with λ such that a share s_t of the circuit's edges is exchanged
 *
 * The first n edges by h are then the circuit. s_t falls geometrically from round to round. No
 * move is tested by exact KL: testing a few costs more than another gradient and improves the
 * circuit less (docs/recipes.md). */
#ifndef HAP_PRUNE_REFINE_H
#define HAP_PRUNE_REFINE_H

#include "prune/ranker.h"

/* Runs round `round` of refinement, which changes the circuit z ([n_edges]) and h. *kl: the mean
 * KL of its masked runs. */
int hap_refine_round(struct hap_ranker *ranker, int64_t round, float *z, double *kl,
                     struct hap_error *err);

#endif
