/* The prompts of a task or a cache, made ready to be run. */
#ifndef HAP_FORWARD_PROMPTS_H
#define HAP_FORWARD_PROMPTS_H

#include "common/stream.h"
#include "forward/engine.h"
#include "forward/loss.h"

struct hap_prompts_options {
        enum hap_ablation ablation;
        bool want_q;     /* masked runs follow (see hap_prompt.q) */
        bool want_log_p; /* KL, exact match: the full model's answers */
        bool corrupted_targets; /* reserved for losses on the corrupted run */
        size_t limit;    /* take only the first `limit` examples; 0: all */
};

/* Owns everything that its prompts point to. */
struct hap_prompts {
        json_t *header; /* of the section they came from, owned */
        struct hap_example *examples; /* [n] */
        struct hap_prompt *items;     /* [n] */
        const struct hap_prompt **pointers; /* [n]: items, for batches */
        size_t n;
        size_t longest; /* tokens of the longest prompt */
        struct hap_arena arena;
        bool mapped; /* sources point into the reader's mapped file */
};

/* Reads the reader's current section, "task" (the model is run for what a
 * cache would have held) or "cache" (its model must be the engine's), and
 * prepares every prompt: source, first, residual, q, k, v, log_p. With mean
 * ablation the means are taken over the clean prompts of this very set, every
 * position weighing the same (mean-position: every prompt the same).
 * With a mapped cache the counterfactual outputs stay in the file: the reader
 * must outlive the prompts. Zero examples: HAP_EINPUT. */
int hap_prompts_read(struct hap_prompts *prompts, struct hap_reader *reader,
                     const json_t *header, const struct hap_engine *engine,
                     const struct hap_prompts_options *options,
                     struct hap_error *err);
void hap_prompts_release(struct hap_prompts *prompts);

/* How many prompts run together, chosen so that a batch has about 128 rows (at
 * least 1, at most 16 prompts); depends on the set alone, never on threads. */
size_t hap_prompts_per_batch(const struct hap_prompts *prompts);

#endif
