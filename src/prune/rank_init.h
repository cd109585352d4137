/* The scores that rank sampling and refinement start from: those of the input, or scores
 * measured with all masks at the same value,
 *
 *      score = −Σ_a Σ_prompts d KL / dz at z = a,   a = .1, .3, .5, .7, .9
 *
 * Scores rank edges either with their sign or by their size: the one whose circuit has the
 * lower exact KL. */
#ifndef HAP_PRUNE_RANK_INIT_H
#define HAP_PRUNE_RANK_INIT_H

#include "prune/ranker.h"

/* Measures scores if the input has none and there are no steps to learn some, and decides how
 * scores rank edges (by_size). */
int hap_rank_start(struct hap_ranker *ranker, struct hap_error *err);

/* Sets h to the initial scores divided by their mean size, or to 0 without scores. */
void hap_rank_from_scores(struct hap_ranker *ranker, bool by_size);

#endif
