/* Curves in the reports of shards. A point is [circuit, metric, 0 or 1, {"order", "size",
 * "selected", "edges"}] in a part's layout (merge_report.c), with the values of its examples. */
#ifndef HAP_MERGE_MERGE_CURVE_H
#define HAP_MERGE_MERGE_CURVE_H

#include "eval/eval.h"
#include "merge/shards.h"

/* Whether a record is a point of a curve, or the area under one, which follows from the points. */
bool hap_merge_is_point(const msgpack_object *record);
bool hap_merge_is_area(const msgpack_object *record);
/* What a layout says of a point. New reference; NULL: memory is short, or a value is missing. */
json_t *hap_merge_point_of(const msgpack_object *record);

/* HAP_EINPUT: a curve lacks values of single examples, or the full model's or the empty
 * circuit's. */
int hap_merge_curves_check(const struct hap_shard_set *set,
                           const struct hap_evaluation *evaluation, struct hap_error *err);
/* Writes the curves of the whole, which were checked. */
int hap_merge_curves_write(const struct hap_shard_set *set,
                           const struct hap_evaluation *evaluation, struct hap_stream_out *out,
                           struct hap_error *err);

#endif
