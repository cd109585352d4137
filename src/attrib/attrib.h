/* Attribution: a score for every edge, from the gradients of a loss.
 *
 * Let L be a loss at the answer positions, a and a' a writer's output in the clean run
 * and its counterfactual, and g_r the gradient of L at reader r's input. The methods by
 * gradient compute
 *
 *      S[w→r] = 1/N Σ_examples Σ_t (a'_w[t] − a_w[t]) · ḡ_r[t]
 *
 * and differ in the runs over which ḡ averages. A positive score means that corrupting
 * the edge raises the loss. */
#ifndef HAP_ATTRIB_ATTRIB_H
#define HAP_ATTRIB_ATTRIB_H

#include "attrib/method.h"
#include "data/memory_estimate.h"
#include "data/prompts.h"
#include "forward/scratch.h"
#include "metric/metric.h"

struct hap_attrib_options {
        const struct hap_method *method;
        const struct hap_metric *metric; /* has a gradient */
        int steps;                       /* K, for methods that need steps */
        uint64_t seed;     /* for methods that need random numbers, with */
        double open_share; /* how likely an edge is open */
        size_t prompts;    /* only the first prompts are scored; 0: all */
        bool nodes;  /* scores of nodes: of a writer at a position */
        bool single; /* scores of every example are wanted, see hap_attrib.each */
        const struct hap_ablation *ablation;
        bool bf16; /* products with weights are in BF16; needs hap_engine_use_bf16 */
        const float *z; /* for methods that need a circuit: [n_edges]; NULL: all ones */
};

struct hap_attrib {
        const struct hap_engine *engine;
        struct hap_attrib_options options;
        /* A score for every edge, or for every node (hap_graph_n_nodes). */
        size_t n_scores;
        /* Scores summed over the examples so far: [width]. A method gives scores of nodes only if
         * its row says so; from others they are computed at the end. */
        double *sum;
        size_t width; /* n_scores, or n_edges */
        double *row, *scores; /* [width], [n_scores]: of one batch */
        float *ones;  /* [n_edges]: 1 */
        bool *wanted; /* [n_edges]: true */
        size_t n;     /* examples so far */
        size_t first; /* of a shard: examples of the whole task before it */
        /* Called from time to time by slow methods with the runs done of those of the
         * prompts that were added; NULL: not called. */
        void (*progress)(void *context, size_t done, size_t total);
        void *context;
        void *each_context;
        /* With options.single: called for every example in turn with its scores, [n_scores];
         * a negative code ends the work. NULL: not called. */
        int (*each)(void *context, const struct hap_example *example, const double *scores,
                    struct hap_error *err);
};

/* HAP_EUSAGE: a metric whose scores by this method are always zero. */
int hap_attrib_init(struct hap_attrib *attrib, const struct hap_engine *engine,
                    const struct hap_attrib_options *options, struct hap_error *err);
void hap_attrib_release(struct hap_attrib *attrib);

/* How the prompts must be read for the method. */
struct hap_prompts_options hap_attrib_prompts(const struct hap_attrib_options *options);

/* The memory it needs, without the prompts; max_bytes: what is allowed, 0 for any. */
struct hap_memory_estimate hap_attrib_memory(const struct hap_attrib_options *options,
                                             size_t max_bytes, size_t threads);

/* Adds the scores of prompts that were read with these options. Batches run in parallel;
 * their scores are summed in the order of the batches. HAP_EINPUT: an example's scores are
 * not finite, or it has no answers of a kind that the metric needs (the message names it). */
int hap_attrib_add(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err);

/* score = the mean over the examples: [n_scores]. */
void hap_attrib_scores(const struct hap_attrib *attrib, double *score);

/* --- for methods --- */

/* Scores of one batch: out, [width], is zero before. */
typedef int hap_attrib_batch(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                             size_t b, struct hap_scratch *scratch, const void *context,
                             float *out);

/* Calls `score` for every batch in parallel, and adds its scores to
 * attrib->sum. */
int hap_attrib_batches(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                       hap_attrib_batch *score, const void *context, struct hap_error *err);

/* Adds the scores of batch b, attrib->row, to attrib->sum, and calls attrib->each with them if it is
 * set; batch b is then one example. A negative code is that of attrib->each. */
int hap_attrib_take(struct hap_attrib *attrib, const struct hap_prompts *prompts, size_t b,
                    struct hap_error *err);

/* HAP_EINPUT: the example's scores are not finite. */
int hap_attrib_not_finite(struct hap_scratch *scratch, const struct hap_example *example);

#endif
