/* Attribution: a score for every edge, from the gradients of a loss.
 *
 * With L a loss at the answer positions, a and a' a writer's output in the clean
 * run and its counterfactual, g_r the gradient of L at reader r's input, the
 * methods by gradient are
 *
 *      S[w→r] = 1/N Σ_examples Σ_t (a'_w[t] − a_w[t]) · ḡ_r[t]
 *
 * and differ in the runs over which ḡ averages. Positive: corrupting the edge
 * raises the loss. */
#ifndef HAP_ATTRIB_ATTRIB_H
#define HAP_ATTRIB_ATTRIB_H

#include "forward/engine.h"
#include "metric/loss.h"
#include "data/memory_estimate.h"
#include "data/prompts.h"

enum hap_attrib_method {
        HAP_EAP,                /* the clean run */
        HAP_EAP_IG_INPUTS,      /* input = a' + k/K (a − a'), k = 0 … K−1 */
        HAP_CLEAN_CORRUPTED,    /* the clean run and the one with input = a' */
        HAP_EAP_IG_ACTIVATIONS, /* for input, each layer's heads, each MLP, and
                                 * k = 1 … K: its output = a' + k/K (a − a') */
        HAP_EXACT,              /* the loss without the edge − the loss */
        HAP_MASK_GRADIENT,      /* −d loss / d z at a circuit's masked run */
};
extern const char *const hap_attrib_names[]; /* NULL-terminated */

struct hap_attrib_options {
        enum hap_attrib_method method;
        enum hap_metric metric;
        int steps;
        const struct hap_ablation *ablation;
        const float *z; /* mask-gradient: [n_edges]; NULL: all ones */
};

struct hap_attrib {
        const struct hap_engine *engine;
        struct hap_attrib_options options;
        double *sum;  /* [n_edges], over the examples so far */
        float *ones;  /* [n_edges] */
        bool *wanted; /* [n_edges]: all */
        size_t n;     /* examples so far */
        /* Called now and then with the work done of what was given; NULL. */
        void (*progress)(void *context, size_t done, size_t total);
        void *context;
};

/* HAP_EUSAGE: a metric that makes no sense with the method. */
int hap_attrib_init(struct hap_attrib *attrib, const struct hap_engine *engine,
                    const struct hap_attrib_options *options, struct hap_error *err);
void hap_attrib_release(struct hap_attrib *attrib);

/* How the method wants its prompts read. */
struct hap_prompts_options hap_attrib_prompts(const struct hap_attrib_options *options);

/* What memory it needs, apart from the prompts; `most` bytes are allowed. */
struct hap_memory_estimate hap_attrib_needs(const struct hap_attrib_options *options, size_t most,
                                  size_t threads);

/* Adds the scores of prompts read that way; batches run in parallel, sums are
 * made in their order. HAP_EINPUT: an example's scores are not finite, or it
 * lacks what the metric needs (names it). */
int hap_attrib_add(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err);

/* The mean over the examples: [n_edges]. */
void hap_attrib_scores(const struct hap_attrib *attrib, double *score);

/* --- inside --- */

/* What a job works on: batch b of the prompts; adds to nothing, fills out. */
struct hap_attrib_job {
        const struct hap_attrib *attrib;
        const struct hap_prompts *prompts;
        float *out;     /* gradients and masks: [batches][n_edges] */
        double *losses; /* exact: [n_edges + 1] of one batch, the last nothing removed */
        size_t batch, begin; /* exact: which batch, and the first job's edge */
};
int hap_attrib_by_gradient(void *context, struct hap_scratch *work, size_t b);
int hap_attrib_by_mask(void *context, struct hap_scratch *work, size_t b);
int hap_attrib_by_removal(void *context, struct hap_scratch *work, size_t i);
/* Scratch that a job of the kind needs. */
size_t hap_attrib_bytes(const struct hap_attrib *attrib, const struct hap_prompts *prompts);

#endif
