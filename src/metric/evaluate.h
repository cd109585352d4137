/* Evaluation: metrics of a masked model over prompts. */
#ifndef HAP_METRIC_EVALUATE_H
#define HAP_METRIC_EVALUATE_H

#include "data/prompts.h"
#include "metric/metric.h"

enum { HAP_MAX_PREDICTIONS = 100 };

/* The likeliest tokens after the last answer position of each prompt; after the prompt, if its
 * answers have several tokens. */
struct hap_predictions {
        int n; /* of a prompt, at most HAP_MAX_PREDICTIONS; 0: none are wanted */
        struct hap_prediction {
                int32_t token; /* -1: the vocabulary has fewer */
                float probability;
        } *items; /* [prompts->n][n], borrowed */
};

/* Runs every prompt with the mask z ([n_edges], used unchanged: dead edges are not
 * removed) and computes n_metrics metrics, each of which has a value. z NULL: the full model,
 * without a run. The prompts must have been read with want_q, and with want_log_p if a metric
 * needs the full model or z is NULL.
 * values: [prompts->n][n_metrics]. Batches run in parallel; the result depends on the set
 * of prompts alone. HAP_EINPUT: an example's logits are not finite (the message names it). */
int hap_evaluate(const struct hap_engine *engine, const struct hap_prompts *prompts,
                 const float *z, const struct hap_metric *const *metrics, int n_metrics,
                 double *values, struct hap_error *err);
/* The same, with predictions. */
int hap_evaluate_predicting(const struct hap_engine *engine, const struct hap_prompts *prompts,
                            const float *z, const struct hap_metric *const *metrics, int n_metrics,
                            double *values, const struct hap_predictions *predictions,
                            struct hap_error *err);

/* The mean of one metric over the prompts, each of which counts once. */
int hap_evaluate_mean(const struct hap_engine *engine, const struct hap_prompts *prompts,
                      const float *z, const struct hap_metric *metric, double *mean,
                      struct hap_error *err);

#endif
