/* Records of shards one after another: tasks, caches, scores of single examples. */
#ifndef HAP_MERGE_MERGE_RECORDS_H
#define HAP_MERGE_MERGE_RECORDS_H

#include "merge/shards.h"

/* Records of a mapped file are not copied; others wait in a spool. */
int hap_merge_records_read(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err);
int hap_merge_records_write(const struct hap_shard_set *set, struct hap_stream_out *out,
                            json_t *header, const void *options, struct hap_error *err);

#endif
