/* Reports on shards: the values of single examples become the report on all of them. */
#ifndef HAP_MERGE_MERGE_REPORT_H
#define HAP_MERGE_MERGE_REPORT_H

#include "eval/intervals.h"
#include "merge/shards.h"

struct hap_merge_report_options {
        struct hap_interval_options intervals;
        bool compare;
};

/* Records of means and of single examples, as hap-eval --per-example writes them. The layout is
 * a list of [circuit, metric, examples]; values are those of the examples, in its order. Records
 * over the seeds of circuits are skipped. HAP_EINPUT: other records, or none of examples. */
int hap_merge_report_read(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err);
/* Computes means, deviations and intervals again from all examples; options: a struct
 * hap_merge_report_options. HAP_EINPUT: values that a metric needs are missing. */
int hap_merge_report_write(const struct hap_shard_set *set, struct hap_stream_out *out,
                           json_t *header, const void *options, struct hap_error *err);

#endif
