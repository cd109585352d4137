/* Results of the shards of a task, collected until they are complete.
 *
 * Sections belong to one set if they are of one kind and their headers agree in everything that
 * does not depend on the prompts: the model, graph, method, dtype, circuits. A set is complete when
 * it has every shard of the task once. */
#ifndef HAP_MERGE_SHARDS_H
#define HAP_MERGE_SHARDS_H

#include <jansson.h>

#include "common/program.h"
#include "common/spool.h"
#include "data/shard.h"

struct hap_merge_kind; /* below */

/* What was read from one shard. */
struct hap_part {
        json_t *header; /* owned; NULL: this shard has not been read */
        char *name;     /* of its file, for messages */
        struct hap_shard shard;
        size_t examples;
        /* Records that are copied: in the mapped file, or in the spool. */
        const char *mapped;
        size_t mapped_bytes;
        struct hap_spool spool;
        uint64_t records;
        double *values; /* scores: their sum over the examples, [n]; reports: see merge_report.h */
        size_t n;
        json_t *layout; /* what the values belong to; must be the same in all parts */
        json_t *ids;    /* reports: of the examples */
};

/* Appends to the part's values. */
int hap_part_add_value(struct hap_part *part, double value, struct hap_error *err);

struct hap_shard_set {
        const struct hap_merge_kind *kind;
        json_t *form;           /* the header without what differs between shards */
        struct hap_part *parts; /* [of] */
        size_t of;
};

/* How the sections of a kind are read and merged. */
struct hap_merge_kind {
        const char *name;
        /* Reads the records of the current section. */
        int (*read)(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err);
        /* Writes the section; the header is complete except for what the kind itself describes. */
        int (*write)(const struct hap_shard_set *set, struct hap_stream_out *out, json_t *header,
                     const void *options, struct hap_error *err);
};

struct hap_shard_sets {
        struct hap_shard_set *items;
        size_t n;
};

/* Reads all sections of the input. HAP_EINPUT: a section is of a kind that cannot be merged, is
 * not of a shard or occurs twice, a set is incomplete, or parts do not fit each other. */
int hap_shard_sets_read(struct hap_stream_in *in, const struct hap_merge_kind *kinds,
                        struct hap_shard_sets *sets, struct hap_error *err);
void hap_shard_sets_release(struct hap_shard_sets *sets);

/* The header of the whole: that of the first shard, with the task as it was before it was cut, the
 * number of examples, and the histories of all shards in their order. New reference, NULL:
 * memory is short. */
json_t *hap_shard_set_header(const struct hap_shard_set *set);
/* The number of examples of the whole. */
size_t hap_shard_set_examples(const struct hap_shard_set *set);

#endif
