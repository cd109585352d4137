/* The scores that rank sampling and refinement start from: those of the input or scores measured
 * here. For refinement these are gradients with all masks at the same value,
 *
 *      score = −Σ_a Σ_prompts d KL / dz at z = a,   a = .1, .3, .5, .7, .9
 *
 * and for sampling, in a graph of at most `exact-edges` edges, what the removal of each edge alone
 * adds to the KL. Scores rank edges either with their sign or by their size. Of these circuits, the one
 * with the lowest exact KL is the start. */
#ifndef HAP_PRUNE_RANK_INIT_H
#define HAP_PRUNE_RANK_INIT_H

#include "prune/ranker.h"

/* Decides which scores rank the edges (own) and how (by_size). refines: for refinement, where
 * scores are measured too unless own-scores=no and the input has some. */
int hap_rank_start(struct hap_ranker *ranker, bool refines, struct hap_error *err);

/* Sets h to the initial scores divided by their mean size, or to 0 without scores. */
void hap_rank_from_scores(struct hap_ranker *ranker, bool by_size);

#endif
