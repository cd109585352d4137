/* Masks sampled by rank, for rank sampling and for refinement: an edge in place k
 * of the ranking is open with the log-odds
 *      logα = sharpness · ln((open + ½) / (k + ½)) */
#ifndef HAP_PRUNE_SAMPLE_H
#define HAP_PRUNE_SAMPLE_H

#include "prune/ranker.h"

/* Masks of n prompts, to ranker->z: the edge in place k of ranker->order is open with
 * log-odds sharpness · ln((open + ½) / (k + ½)), all in ranker->log_alpha. Prompt i
 * draws the numbers of `place` + i. */
int hap_rank_sample(struct hap_ranker *ranker, uint64_t place, size_t n, double open,
                    double sharpness, enum hap_mask_kind kind, struct hap_error *err);

#endif
