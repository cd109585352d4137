/* Shards of a task: consecutive prompts, so that N processes or machines can share the work on
 * one task. The header of a shard says in "task" which part of the whole it is:
 *
 *      "shard": {"number": I, "of": N, "first": prompts before it, "examples": N, "digest": TEXT}
 *
 * The last two are those of the whole task. Programs that read the shard keep it in their headers,
 * and hap-merge joins their results. */
#ifndef HAP_DATA_SHARD_H
#define HAP_DATA_SHARD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define HAP_MAX_SHARDS 100000

struct hap_shard {
        size_t number, of; /* 1 … of; of 0: the whole task */
        size_t first;      /* prompts of the whole task before it */
        size_t examples;   /* of the whole task */
        const char *digest; /* of the whole task's records; the header owns it */
};

/* Reads "I/N". HAP_EUSAGE: it is not two numbers with 1 <= I <= N. */
int hap_shard_parse(const char *text, struct hap_shard *shard, struct hap_error *err);

/* Which of a task's records, an array, belong to the shard: *begin … *end − 1. If the records have
 * token ids and there are at least as many batches as shards, cuts are between batches
 * (batches.h), so that shards run the same batches as the whole; else between any two prompts.
 * HAP_EUSAGE: there are fewer records than shards. */
int hap_shard_cut(const struct hap_shard *shard, const json_t *records, size_t *begin,
                  size_t *end, struct hap_error *err);

/* The header's "shard" for the task; NULL: memory is short. */
json_t *hap_shard_describe(const struct hap_shard *shard, uint64_t digest);
/* From the header of a section; of is 0 if it is not about a shard. HAP_EINPUT: it is malformed. */
int hap_shard_of_header(const json_t *header, struct hap_shard *shard, struct hap_error *err);

#endif
