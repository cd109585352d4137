/* Examples in batches, and full runs of them for the outputs of every writer. */
#ifndef HAP_DATA_BATCHES_H
#define HAP_DATA_BATCHES_H

#include "forward/prompt.h"
#include "task/example.h"

#define HAP_BATCH_ROWS 128   /* a batch is full when it has this many tokens */
#define HAP_BATCH_PROMPTS 16 /* or this many prompts */

/* Batch b holds the examples start[b] … start[b + 1] − 1. A batch takes the next
 * example until it is full, so the grouping depends on the examples' order and
 * lengths alone. */
struct hap_batches {
        size_t *start; /* [n + 1], owned */
        size_t n;
        size_t capacity; /* allocated entries of start */
        size_t rows;     /* tokens of the batch that is being filled */
        bool open;       /* the last batch is not full yet */
        bool apart;      /* if ranks share batches out, none needs the results of another's */
};

/* Adds the next example; a batch is full with `full_rows` tokens (0:
 * HAP_BATCH_ROWS). */
int hap_batches_add(struct hap_batches *batches, const struct hap_example *example,
                    size_t full_rows, struct hap_error *err);
/* How many prompts of `tokens` rows each make a batch full. */
size_t hap_batches_prompts(size_t full_rows, size_t tokens);
/* How many rows' gradients at all readers' inputs fit in 256 MiB; at most HAP_BATCH_ROWS. */
size_t hap_batches_gradient_rows(const struct hap_graph *graph, int d_model);
/* Whether the next example would begin batch number n, counted from 0, with n > 0. */
bool hap_batches_have(const struct hap_batches *batches, size_t n);
void hap_batches_release(struct hap_batches *batches);

/* HAP_EINPUT: an output cannot be kept as f16. */
int hap_fail_beyond(struct hap_error *err, float value);

/* One of the example's token sequences as a prompt of a full run from its first token on. The
 * tokens are borrowed. */
struct hap_prompt hap_prompt_of(const struct hap_example *example, bool corrupted);

/* Runs all examples, clean or corrupted, with the batches in parallel. Either array may be NULL;
 * else, for example i, outputs[i] is filled with values of `dtype`, F32 or
 * F16, [n_writers][n_tokens][d_model], and logits[i] with [n_positions][n_out].
 * HAP_EINPUT: an output is beyond f16. */
int hap_run_examples(const struct hap_engine *engine, const struct hap_example *examples,
                     const struct hap_batches *batches, bool corrupted, enum hap_dtype dtype,
                     void *const *outputs, float *const *logits, struct hap_error *err);

#endif
