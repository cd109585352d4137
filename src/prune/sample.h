/* Masks sampled by rank, for rank sampling and for refinement. The edge of rank k is open with
 * log-odds
 *
 *      logα = sharpness · ln((open + ½) / (k + ½)) */
#ifndef HAP_PRUNE_SAMPLE_H
#define HAP_PRUNE_SAMPLE_H

#include "prune/ranker.h"

/* Samples the masks of n prompts to ranker->z, with ranker->order as the ranking. Prompt i uses
 * the random numbers of index `index` + i. Sets ranker->log_alpha. */
int hap_rank_sample(struct hap_ranker *ranker, uint64_t index, size_t n, double open,
                    double sharpness, enum hap_mask_kind kind, struct hap_error *err);

#endif
