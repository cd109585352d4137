/* Metrics of answers of several tokens: of the log-probability of each answer as a whole. The
 * formulas are in docs/mathematics.md, "Answers of several tokens". */
#ifndef HAP_METRIC_WHOLE_ANSWERS_H
#define HAP_METRIC_WHOLE_ANSWERS_H

#include "metric/metric.h"

/* The value of a metric with `whole`, for an example with answers of several tokens.
 * logits: [n_answer_positions][n_out]. */
double hap_whole_value(const struct hap_metric *metric, const struct hap_prompt *prompt,
                       const struct hap_example *example, int n_out, const float *logits);
/* The loss: the value, or minus the value, so that lower is better. Adds d loss / d logits to
 * gradient (the shape of logits), unless that is NULL. */
double hap_whole_loss(const struct hap_metric *metric, const struct hap_prompt *prompt,
                      const struct hap_example *example, int n_out, const float *logits,
                      float *gradient);

/* For rows of the table: see hap_metric.whole. */
double hap_whole_logit_diff(const struct hap_whole_input *at, double *slope);
double hap_whole_prob_diff(const struct hap_whole_input *at, double *slope);
double hap_whole_answer_log_probability(const struct hap_whole_input *at, double *slope);
double hap_whole_accuracy(const struct hap_whole_input *at, double *slope);
double hap_whole_right_over_wrong(const struct hap_whole_input *at, double *slope);
double hap_whole_kendall_tau(const struct hap_whole_input *at, double *slope);

/* Kendall's τ-b: Σ over pairs of sign · sign / √(pairs not tied here · pairs not tied there). */
struct hap_kendall {
        double agree, here, there;
};
/* Adds a pair with these differences. */
void hap_kendall_add(struct hap_kendall *sums, double here, double there);
double hap_kendall_tau(const struct hap_kendall *sums); /* NaN if all pairs of one are tied */

#endif
