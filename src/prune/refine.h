/* Refinement: a circuit moves along the gradient measured around it.
 *
 *      z ~ hard concrete(k ln((n + ½) / (rank + ½))) for each prompt, k large, so that
 *          only edges near the border of the circuit are in doubt
 *      v ← μ v + clip(g / mean|g|),   g = −Σ_prompts d KL / dz
 *      h ← h + λ v, λ such that a share s_t of the circuit's edges changes
 *
 * The first n edges of h are the circuit from then on. s_t falls geometrically from
 * round to round. No move is judged: exact KL of a few tries costs more than another
 * gradient, which teaches more (docs/recipes.md). */
#ifndef HAP_PRUNE_REFINE_H
#define HAP_PRUNE_REFINE_H

#include "prune/ranker.h"

/* One round of refinement at the circuit z ([n_edges]), which h leads to; both
 * change. *kl: the mean KL under the masks it learned with. */
int hap_refine_round(struct hap_ranker *ranker, int64_t round, float *z, double *kl,
                     struct hap_error *err);

#endif
