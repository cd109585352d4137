/* A batch that is being scored by gradients, by one thread: what methods share. */
#ifndef HAP_ATTRIB_GRADIENT_BATCH_H
#define HAP_ATTRIB_GRADIENT_BATCH_H

#include "attrib/gradient.h"
#include "forward/full_run.h"

/* Rows are the batch's tokens, one prompt after another, without those for which a' = a
 * because both prompts are still the same (unless the method wants whole prompts). */
struct hap_gradient_batch {
        const struct hap_attrib *attrib;
        struct hap_scratch *scratch;
        const struct hap_engine *engine;
        const struct hap_example *examples; /* of the batch */
        struct hap_prompt *prompts;         /* copies, with log_p */
        struct hap_batch batch;
        float *outputs;  /* [n_writers][rows][d]: a, then a' − a */
        float *gradient; /* [n_readers][rows][d]: the sum over the runs */
        int n_runs;      /* in that sum */
};

/* Adds the scores of the batch to out ([n_edges]). The outputs have no values yet, and the
 * gradient is zero. */
typedef int hap_gradient_score(struct hap_gradient_batch *batch, float *out);

/* For the `run` of a method: calls `score` for every batch in parallel and adds what it gives to
 * attrib->sum. HAP_EINPUT: an example's scores are not finite. */
int hap_gradient_batches(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                         hap_gradient_score *score, struct hap_error *err);

/* d_logits ([answers][n_out]) of the loss of every example. HAP_EINPUT: the loss of an example
 * is not a number (the message names it). */
int hap_gradient_loss(struct hap_gradient_batch *batch, const float *logits, float *d_logits);
/* gradient += the gradient of the loss, back through a run that was made with `gradients`. */
int hap_gradient_back(struct hap_gradient_batch *batch, struct hap_full_run *run);
/* [n_writers][rows][d], not zeroed, or NULL. */
float *hap_gradient_outputs(struct hap_gradient_batch *batch);
void hap_gradient_clear(struct hap_gradient_batch *batch);

/* outputs = a' − a, from a. */
int hap_gradient_subtract(struct hap_gradient_batch *batch);
/* S[r][w] = weight · Σ G[r][k] Δ[w][k] over rows and dimensions k, added to out; G the gradient,
 * Δ: [n_writers][rows][d]. */
int hap_gradient_multiply(struct hap_gradient_batch *batch, const float *delta, float weight,
                          float *out);

#endif
