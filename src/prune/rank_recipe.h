/* Recipes rank and rank-thorough: rank sampling. No parameter is learned: an edge's chance of
 * being open depends on its rank by score, a running mean of measured gradients, and on the
 * number of edges that the step should have open. Every prompt gets its own masks, so that one
 * batch measures every edge in many contexts, closed edges too.
 *
 *      n_t  = n0 (n / n0)^min(1, t / (anneal · steps))
 *      k    = k0 + (k1 − k0) t / steps
 *      logα = k ln((n_t + ½) / (rank + ½))
 *      h    ← β h + (1 − β) g / mean|g|,   g = −Σ_prompts d KL / dz
 *
 * Once n_t = n, every step's ranking gives two candidate circuits; the result is the best
 * candidate by exact KL. rank-thorough does this several times, with masks of both kinds, and
 * then swaps edges (swaps.h). Circuits of many edges are refined instead (refine.h), starting
 * from scores (rank_init.h). */
#ifndef HAP_PRUNE_RANK_RECIPE_H
#define HAP_PRUNE_RANK_RECIPE_H

#include "prune/pruning.h"

/* 0 with pruning->result, HAP_PRUNE_STOPPED, or an error. */
int hap_recipe_rank(struct hap_pruning *pruning, struct hap_error *err);

#endif
