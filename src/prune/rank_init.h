/* Where rank sampling and refinement begin: with scores, those given or own.
 *
 * Own ones are measured with all masks at the same value:
 *      score = −Σ_a Σ_prompts d KL / dz at z = a,   a = .1, .3, .5, .7, .9
 *
 * Scores rank edges with their sign or by their size: which of the two is seen
 * by exact KL of the circuits that they give. */
#ifndef HAP_PRUNE_RANK_INIT_H
#define HAP_PRUNE_RANK_INIT_H

#include "prune/ranker.h"

/* Takes the scores, measures own ones where there are none and no steps to
 * learn some, and decides how they rank edges. */
int hap_rank_start(struct hap_ranker *ranker, struct hap_error *err);

/* h of the scores, divided by their mean size; 0 without scores. */
void hap_rank_from_scores(struct hap_ranker *ranker, bool by_size);

#endif
