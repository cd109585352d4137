/* Metrics: what is computed from a run's logits at an answer position.
 *
 * Everything that depends on the metric is in its row of the table. hap-eval
 * reports them, hap-attrib can use those with a gradient. To add one, write its row and its
 * function in metric.c or answer_metrics.c. */
#ifndef HAP_METRIC_METRIC_H
#define HAP_METRIC_METRIC_H

#include "forward/prompt.h"
#include "task/example.h"

enum hap_metric_needs {
        HAP_NEEDS_ANSWERS = 1,       /* right answers */
        HAP_NEEDS_WRONG_ANSWERS = 2,
        HAP_NEEDS_ANY_ANSWERS = 4,   /* right answers, wrong answers or both */
        HAP_NEEDS_LOG_SUM = 8,       /* hap_metric_input.log_sum */
        /* hap_metric_input.log_p. Such a metric compares a run with the full model: its gradient
         * is zero at the full model. */
        HAP_NEEDS_FULL_MODEL = 16,
};

/* A run at one answer position. */
struct hap_metric_input {
        const struct hap_example *example; /* its right and wrong answers */
        int n_out;           /* tokens of the vocabulary; 1: the model answers with a number */
        const float *logits; /* [n_out] */
        const float *log_p;  /* [n_out]: see hap_log_softmax; of the full model, or NULL */
        double log_sum;      /* log Σ exp(logits); NaN unless the metric needs it */
};

/* A run's log-probabilities of the answers of an example that has answers of several tokens. */
struct hap_whole_input {
        const struct hap_example *example;
        int n_out;
        const float *logits; /* [n_answer_positions][n_out] */
        const double *log_q; /* [n_answers + n_wrongs], the answers first */
        const double *log_p; /* the same of the full model; NULL unless the metric needs it */
};

struct hap_metric {
        const char *name, *help;
        unsigned needs; /* of enum hap_metric_needs, or'ed */
        bool lower_is_better;
        bool on_request; /* reported only if it is asked for by name */
        /* The reported value; NaN where it is not defined. NULL: the metric has no value for a
         * single example. */
        double (*value)(const struct hap_metric_input *at);
        /* The loss: the value, or minus the value, so that lower is better. Adds
         * weight · d loss / d logits to gradient ([n_out], zero before) unless that is
         * NULL. NULL: the metric has no gradient. */
        double (*gradient)(const struct hap_metric_input *at, double weight, float *gradient);
        /* For examples with answers of several tokens, of which all three may be absent; then such
         * examples are refused. whole: the value. Sets slope, ∂ value / ∂ log_q, unless that is
         * NULL. along_answer: the functions above, averaged over the positions that predict the
         * first right answer. */
        double (*whole)(const struct hap_whole_input *at, double *slope);
        bool along_answer;
        const char *instead; /* the name of a metric to use if such examples are refused */
        /* For a metric of a set of examples: (m(circuit) − m(empty)) / (m(full) − m(empty)),
         * where m is the mean of this metric; NULL for all others. */
        const struct hap_metric *normalises;
        bool each_example; /* normalise each example, not the mean */
};

extern const struct hap_metric hap_metric_kl, hap_metric_logit_diff, hap_metric_prob_diff,
        hap_metric_accuracy, hap_metric_exact_match, hap_metric_right_over_wrong,
        hap_metric_faithfulness, hap_metric_answer_logit, hap_metric_answer_log_probability,
        hap_metric_prob_diff_10, hap_metric_answer_rank, hap_metric_kendall_tau, hap_metric_js,
        hap_metric_example_faithfulness;
extern const struct hap_metric *const hap_metrics[]; /* NULL-terminated */

/* The i-th metric that has a gradient, or NULL after the last. */
const struct hap_metric *hap_metric_with_gradient(int i);

/* The choices of options: all metrics, and those with a gradient (see hap_option). */
const char *hap_metric_choice(int i, const char **help);
const char *hap_metric_gradient_choice(int i, const char **help);

/* "answers" or "wrong answers", which the metric needs and the example does not have;
 * NULL when it has what is needed. */
const char *hap_metric_missing(const struct hap_metric *metric, const struct hap_example *example);

/* Whether the metric, or the one that it normalises, is defined for answers of several tokens. */
bool hap_metric_takes_whole(const struct hap_metric *metric);
/* HAP_EINPUT: the example has such answers and the metric is not defined for them; the message
 * names one that is. */
int hap_metric_check_whole(const struct hap_metric *metric, const struct hap_example *example,
                           struct hap_error *err);

/* The metric of one prompt, averaged over its answer positions; NaN if it is not defined for
 * the example's answers.
 * logits: [n_answer_positions][n_out]. */
double hap_metric_value(const struct hap_metric *metric, const struct hap_prompt *prompt,
                        const struct hap_example *example, int n_out, const float *logits);

/* The loss of one prompt (lower is better), averaged over its answer positions, by a
 * metric with a gradient. logits: [n_answer_positions][n_out]. Writes d loss / d logits to
 * `gradient` (same shape) unless NULL. Sums in double. */
double hap_metric_loss(const struct hap_metric *metric, const struct hap_prompt *prompt,
                       const struct hap_example *example, int n_out, const float *logits,
                       float *gradient);

/* Mean and standard deviation (with n − 1; NaN for n < 2) of n values, `stride` doubles
 * apart, summed in their order. */
void hap_metric_mean(const double *values, size_t n, size_t stride, double *mean, double *sd);

/* (circuit − empty) / (full − empty). HAP_EINPUT when full and empty differ by no more
 * than rounding. */
int hap_metric_normalise(double circuit, double full, double empty, double *value,
                         struct hap_error *err);

#endif
