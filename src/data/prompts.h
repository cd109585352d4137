/* Prompts that are ready to run: examples with their counterfactuals, the positions of
 * the graph, and what masked runs need of the full model's run. */
#ifndef HAP_DATA_PROMPTS_H
#define HAP_DATA_PROMPTS_H

#include "data/batches.h"
#include "data/cache.h"
#include "forward/distribution.h"
#include "forward/prompt.h"

/* The outputs of the corrupted runs, of which masked runs read each. */
enum hap_outputs {
        HAP_OUTPUTS_KEPT,
        HAP_OUTPUTS_KEPT_IF_THEY_FIT, /* else made again; data/inputs.h decides */
        HAP_OUTPUTS_REMADE,           /* by every run; a task's under interchange only */
};

struct hap_prompts_options {
        const struct hap_ablation *ablation; /* never NULL */
        bool tokens_only;         /* of the prompts only the tokens are used */
        bool full_runs_only;      /* only full runs follow: first = 0, nothing is prepared */
        bool want_q;     /* masked runs follow (see hap_prompt.q) */
        bool want_log_p; /* KL, exact match: the full model's answers */
        bool single;     /* a batch is one prompt */
        size_t limit;    /* take only the first `limit` examples; 0: all */
        bool apart;      /* only batches are run, each by itself: if ranks share them out, a rank
                          * prepares the prompts of its own */
        bool gradients;  /* of every reader are wanted: large models get smaller batches, so that
                          * the gradients fit 256 MiB if possible */
        /* How counterfactual outputs are stored. F16: converted to it. F32: unchanged, which is
         * F32 unless a cache contains another format. */
        enum hap_dtype dtype;
        enum hap_outputs outputs;
};

/* Owns everything that its prompts point to, except tokens and means, which belong to
 * the loader, and tensors in a mapped file. */
struct hap_prompts {
        struct hap_example *examples; /* [n], owned */
        struct hap_prompt *items;     /* [n], owned */
        const struct hap_prompt **pointers; /* [n]: items, for batches */
        size_t n;
        struct hap_batches batches;   /* prompts that run together */
        struct hap_arena arena;
        bool mapped; /* counterfactuals point into the stream's mapped file, here: */
        const unsigned char *mapped_begin, *mapped_end;
};

/* What the prompts are made from. */
struct hap_prompts_source {
        struct hap_prompts_options options;
        /* The counterfactual that all prompts share (mean, optimal, zero); unused under
         * interchange. */
        struct hap_counterfactual common;
        const struct hap_cache_record *cached; /* [n], or NULL: the model is run */
};

/* Fills items and pointers of prompts whose examples and batches are set: positions,
 * counterfactuals, log_p, and, unless only full runs follow, what hap_prompt_refill fills.
 * HAP_EINPUT: an example does not fit the graph's positions, an output is beyond f16. */
int hap_prompts_build(struct hap_prompts *prompts, const struct hap_engine *engine,
                      const struct hap_prompts_source *source, struct hap_error *err);
void hap_prompts_release(struct hap_prompts *prompts);

/* How many prompts run together on average in batches of about 128 rows (at
 * least 1, at most 16 prompts); depends on the set alone, never on threads. */
size_t hap_prompts_per_batch(const struct hap_prompts *prompts);
/* The prompts of a job when `groups` groups of `group` runs with gradients are split into jobs;
 * per_batch: prompts of a batch. A job has half a batch: this keeps many threads busy and packs
 * weights only about a tenth more often than whole batches. There are at least four jobs if
 * there are that many pairs of runs; a job of a single run spends half its time on packing. The
 * split must not depend on the number of threads, because sums would then differ. */
size_t hap_prompts_per_job(size_t groups, size_t group, size_t per_batch);

#endif
