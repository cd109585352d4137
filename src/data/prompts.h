/* The prompts of a task or a cache, made ready to be run: all at once
 * (hap_prompts_read), or a few batches at a time (struct hap_feed), so that
 * memory does not grow with their number. */
#ifndef HAP_DATA_PROMPTS_H
#define HAP_DATA_PROMPTS_H

#include "common/stream.h"
#include "data/batches.h"
#include "forward/engine.h"
#include "forward/distribution.h"

struct hap_prompts_options {
        enum hap_ablation ablation;
        bool plain;      /* only plain runs follow: first = 0, nothing prepared */
        bool want_q;     /* masked runs follow (see hap_prompt.q) */
        bool want_log_p; /* KL, exact match: the full model's answers */
        size_t limit;    /* take only the first `limit` examples; 0: all */
        bool gradients;  /* of every reader are wanted: smaller batches of large
                          * models, so that they fit 256 MiB if that is possible */
        /* F16: what the writers wrote in the counterfactual runs is kept as that.
         * F32: as it comes, which is F32 unless a cache holds something else. */
        enum hap_dtype dtype;
        const struct hap_memory_estimate *needs; /* checked as examples are read, or NULL */
};

struct hap_feed;
struct hap_memory_estimate;

/* Owns everything that its prompts point to, but for what lies in the mapped
 * file (`mapped`) or, for prompts of a feed, in the feed. */
struct hap_prompts {
        json_t *header; /* of the section they came from, owned */
        struct hap_example *examples; /* [n] */
        struct hap_prompt *items;     /* [n] */
        const struct hap_prompt **pointers; /* [n]: items, for batches */
        size_t n;
        size_t longest;               /* tokens of the longest prompt */
        struct hap_batches batches;   /* prompts that run together */
        struct hap_arena arena;
        bool mapped; /* sources point into the reader's mapped file */
        struct hap_feed *feed; /* owned; NULL for prompts of a feed */
};

/* Reads the stream's current section, "task" (the model is run for what a
 * cache would have held) or "cache" (its model must be the engine's), and
 * prepares every prompt: source, first, residual, q, k, v, log_p. With mean
 * ablation the means are taken over the clean prompts of this very set, every
 * position weighing the same (mean-position: every prompt the same).
 * With a mapped cache the counterfactual outputs stay in the file, unless they are
 * kept in another dtype: the stream must outlive the prompts. Zero examples: HAP_EINPUT. */
int hap_prompts_read(struct hap_prompts *prompts, struct hap_stream_in *in,
                     const json_t *header, const struct hap_engine *engine,
                     const struct hap_prompts_options *options,
                     struct hap_error *err);
void hap_prompts_release(struct hap_prompts *prompts);

/* How many prompts run together on average in batches of about 128 rows (at
 * least 1, at most 16 prompts); depends on the set alone, never on threads. */
size_t hap_prompts_per_batch(const struct hap_prompts *prompts);

/* --- a few batches at a time --- */

/* Opens the stream's current section. A task is read at once (only tokens are
 * kept); a cache stays to be read by hap_feed_next, so no other section can be
 * read before that has returned 0. */
int hap_feed_open(struct hap_feed **feed, struct hap_stream_in *in,
                  const json_t *header, const struct hap_model *model,
                  const struct hap_prompts_options *options,
                  struct hap_error *err);
/* What optimal ablation puts at cut edges: values, [n_writers][d_model], must outlive
 * the prompts. */
void hap_feed_constants(struct hap_feed *feed, const float *values);
/* The next prompts, at most `n_batches` batches of them (0: all that are left):
 * 1, or 0 when there are no more (then nothing is to be released), or a
 * negative code. The engine is the same in every call. */
int hap_feed_next(struct hap_feed *feed, const struct hap_engine *engine,
                  size_t n_batches, struct hap_prompts *prompts,
                  struct hap_error *err);
/* The prompts of the needs are those that have been read. */
void hap_feed_measure(const struct hap_feed *feed, struct hap_memory_estimate *needs);
/* Examples in all; 0: not known before the end. */
size_t hap_feed_total(const struct hap_feed *feed);
void hap_feed_close(struct hap_feed *feed); /* NULL is allowed */

#endif
