/* Inside the reading of prompts: what feed.c, prompts.c and means.c share. */
#ifndef HAP_DATA_FEED_H
#define HAP_DATA_FEED_H

#include "data/examples.h"
#include "data/prompts.h"

/* Prompts whose outputs are held at a time for means; any number gives the same
 * sums. */
#define HAP_MEANS_AT_ONCE 32

struct hap_feed {
        struct hap_prompts_options options;
        json_t *header;            /* owned */
        struct hap_stream_in *in; /* of a cache that is read on the way, or NULL */
        char *name;                /* of the stream, for messages */
        struct hap_examples examples; /* without a reader: all of them */
        size_t next;                  /* of the examples: the first not yet given */
        size_t given;                 /* prompts given so far */
        struct hap_counterfactual mean;       /* or constants; data NULL until they are there */
        struct hap_arena arena;       /* of the means */
};

/* mean.data: the mean output of every writer over the feed's clean prompts. */
int hap_feed_mean(struct hap_feed *feed, const struct hap_engine *engine,
                  struct hap_error *err);

/* Fills header, items and pointers of prompts whose examples, batches and (from
 * a cache) `cached` are set: sources, log_p, and unless plain what
 * hap_prompt_prepare makes. cached: [n] records, or NULL. */
struct hap_cache_record;
int hap_prompts_build(struct hap_prompts *prompts, const struct hap_feed *feed,
                      const struct hap_engine *engine,
                      const struct hap_cache_record *cached, struct hap_error *err);

#endif
