/* Scores of shards: means over their examples become the mean over all. */
#ifndef HAP_MERGE_MERGE_SCORES_H
#define HAP_MERGE_MERGE_SCORES_H

#include "merge/shards.h"

/* The sum of which `mean` is the mean over n: of all doubles s with s / n == mean, rounded, that
 * with the most trailing zeros. Within two units in the last place of the sum that was divided,
 * and exactly that sum if it has at most 50 significant bits: the candidates lie within three
 * units of mean·n, and of seven consecutive numbers only one is a multiple of 8. */
double hap_sum_of_mean(double mean, size_t n);

/* Records {"edge" or "node", "score"}. All shards must have the same names in one order. */
int hap_merge_scores_read(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err);
/* The sums are added in the order of the shards, then divided. */
int hap_merge_scores_write(const struct hap_shard_set *set, struct hap_stream_out *out,
                           json_t *header, const void *options, struct hap_error *err);

#endif
