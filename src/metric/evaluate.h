/* What a masked model still does: the usual measures, over prompts. */
#ifndef HAP_METRIC_EVALUATE_H
#define HAP_METRIC_EVALUATE_H

#include "forward/engine.h"
#include "data/prompts.h"

/* Of one prompt (averaged over its answer positions), or the mean over prompts,
 * each counted once. Higher is better, but for kl. Without wrong answers (or
 * without answers) the measures that need them count those as absent:
 * logit_diff then is the mean answer logit (or minus the mean wrong one). */
struct hap_metric_values {
        double kl;               /* KL(full model ‖ masked), nats */
        double logit_diff;       /* mean answer logit − mean wrong logit */
        double prob_diff;        /* Σ p(answers) − Σ p(wrongs) */
        double accuracy;         /* the likeliest token is an answer: 1, else 0 */
        double exact_match;      /* … is the full model's likeliest token */
        double right_over_wrong; /* answers together likelier than wrongs together */
};
#define HAP_N_METRIC_VALUES 6 /* the doubles above, in their order */

/* Runs every prompt with the mask z ([n_edges], as it stands: dead edges are not
 * removed) and measures. Needs prompts read with want_q and want_log_p.
 * `mean` and `per_example` ([prompts->n]) may be NULL. Batches run in parallel;
 * the result depends on the set of prompts alone. HAP_EINPUT: an example's
 * logits are not finite (names it). */
int hap_evaluate(const struct hap_engine *engine, const struct hap_prompts *prompts,
                 const float *z, struct hap_metric_values *mean,
                 struct hap_metric_values *per_example, struct hap_error *err);

/* The measures of one prompt from its logits [n_answers][n_out]. */
void hap_metric_values_of(const struct hap_prompt *prompt, const struct hap_example *example,
                    int n_out, const float *logits, struct hap_metric_values *outcome);

/* The mean of n outcomes, summed in their order. */
struct hap_metric_values hap_metric_values_mean(const struct hap_metric_values *outcomes, size_t n);

#endif
