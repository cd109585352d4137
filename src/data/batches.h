/* Examples in batches, and whole runs of them for what every writer wrote. */
#ifndef HAP_DATA_BATCHES_H
#define HAP_DATA_BATCHES_H

#include "forward/engine.h"
#include "task/example.h"

#define HAP_BATCH_ROWS 128   /* tokens after which a batch is full … */
#define HAP_BATCH_PROMPTS 16 /* … or prompts */

/* Batch b holds the examples start[b] … start[b + 1] − 1. A batch takes the next
 * example until it is full, so the grouping depends on the examples' order and
 * lengths alone. */
struct hap_batches {
        size_t *start; /* [n + 1], owned */
        size_t n;
        size_t capacity;         /* allocated entries of start */
        size_t longest;      /* tokens of the longest example */
        size_t max_rows;    /* tokens of the largest batch */
        size_t max_answers; /* answer positions of the batch with most */
        size_t rows, answers; /* of the batch that is being filled */
        bool open;            /* the last batch takes more */
};

/* Adds the next example; a batch is full with `full_rows` tokens (0:
 * HAP_BATCH_ROWS). */
int hap_batches_add(struct hap_batches *batches, const struct hap_example *example,
                    size_t full_rows, struct hap_error *err);
/* Rows whose gradients at all readers' inputs fit 256 MiB, at most HAP_BATCH_ROWS. */
size_t hap_batches_gradient_rows(const struct hap_graph *graph, int d_model);
/* Whether the next example would begin batch number `n`. */
bool hap_batches_have(const struct hap_batches *batches, size_t n);
void hap_batches_release(struct hap_batches *batches);

/* HAP_EINPUT: an output cannot be kept as f16. */
int hap_fail_beyond(struct hap_error *err, float value);

/* The example as a prompt of a plain run from its first token on. */
struct hap_prompt hap_prompt_plain(const struct hap_example *example, bool corrupted);

/* Runs all examples, clean or corrupted, batches in parallel. Each array may be
 * NULL; else, for example i, outputs[i] is filled with values of `dtype`, F32 or
 * F16, [n_writers][n_tokens][d_model], and logits[i] with [n_positions][n_out].
 * HAP_EINPUT: an output is beyond f16. */
int hap_run_whole(const struct hap_engine *engine, const struct hap_example *examples,
                  const struct hap_batches *batches, bool corrupted, enum hap_dtype dtype,
                  void *const *outputs, float *const *logits, struct hap_error *err);

#endif
