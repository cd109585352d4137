#include "metric/metric.h"

#include <math.h>
#include <string.h>

#include "forward/distribution.h"
#include "metric/log_sum.h"
#include "metric/whole_answers.h"

/* Logits are in single precision: a smaller relative difference is rounding. */
#define ROUNDING 1e-5

/* --- what metrics are made of --- */

static double mean_logit(const float *logits, const int32_t *tokens, int n)
{
        double sum = 0;

        for (int i = 0; i < n; i++)
                sum += (double)logits[tokens[i]];
        return n ? sum / n : 0;
}

static double log_sum_answers(const struct hap_metric_input *at)
{
        return hap_metric_log_sum(at->logits, at->example->answers, at->example->n_answers);
}

static double log_sum_wrongs(const struct hap_metric_input *at)
{
        return hap_metric_log_sum(at->logits, at->example->wrongs, at->example->n_wrongs);
}

/* --- kl --- */

static double kl_gradient(const struct hap_metric_input *at, double weight, float *gradient)
{
        return hap_kl(at->n_out, at->log_p, at->logits, at->log_sum, weight, gradient);
}

static double kl_value(const struct hap_metric_input *at)
{
        return at->log_p ? kl_gradient(at, 0, NULL) : NAN;
}

const struct hap_metric hap_metric_kl = {
        .name = "kl",
        .help = "the divergence from the full model's distribution, in nats",
        .needs = HAP_NEEDS_FULL_MODEL | HAP_NEEDS_LOG_SUM,
        .lower_is_better = true,
        .value = kl_value,
        .gradient = kl_gradient,
        .along_answer = true,
};

/* --- logit-diff --- */

static double logit_diff_value(const struct hap_metric_input *at)
{
        const struct hap_example *e = at->example;

        return mean_logit(at->logits, e->answers, e->n_answers) -
               mean_logit(at->logits, e->wrongs, e->n_wrongs);
}

/* mean over wrong answers − mean over right answers */
static double logit_diff_gradient(const struct hap_metric_input *at, double weight,
                                  float *gradient)
{
        const struct hap_example *e = at->example;
        double loss = 0;

        for (int i = 0; i < e->n_wrongs; i++) {
                loss += at->logits[e->wrongs[i]] / (double)e->n_wrongs;
                if (gradient)
                        gradient[e->wrongs[i]] += (float)(weight / e->n_wrongs);
        }
        for (int i = 0; i < e->n_answers; i++) {
                loss -= at->logits[e->answers[i]] / (double)e->n_answers;
                if (gradient)
                        gradient[e->answers[i]] -= (float)(weight / e->n_answers);
        }
        return loss;
}

const struct hap_metric hap_metric_logit_diff = {
        .name = "logit-diff",
        .help = "mean logit of the right answers minus that of the wrong answers",
        .needs = HAP_NEEDS_ANSWERS | HAP_NEEDS_WRONG_ANSWERS,
        .value = logit_diff_value,
        .gradient = logit_diff_gradient,
        .whole = hap_whole_logit_diff,
};

/* --- prob-diff --- */

static double prob_diff_value(const struct hap_metric_input *at)
{
        return exp(log_sum_answers(at) - at->log_sum) - exp(log_sum_wrongs(at) - at->log_sum);
}

/* loss = Σ q(wrong) − Σ q(right); d loss / d logit i = q_i (sign_i − loss), with sign 1 for
 * a wrong answer, −1 for a right one and 0 for the other tokens. */
static double prob_diff_gradient(const struct hap_metric_input *at, double weight,
                                 float *gradient)
{
        const struct hap_example *e = at->example;
        const float *row = at->logits;
        double loss = 0;

        for (int i = 0; i < e->n_wrongs; i++)
                loss += exp(row[e->wrongs[i]] - at->log_sum);
        for (int i = 0; i < e->n_answers; i++)
                loss -= exp(row[e->answers[i]] - at->log_sum);
        if (!gradient)
                return loss;
        for (int i = 0; i < at->n_out; i++)
                gradient[i] = (float)(-weight * loss * exp(row[i] - at->log_sum));
        for (int i = 0; i < e->n_wrongs; i++)
                gradient[e->wrongs[i]] +=
                        (float)(weight * exp(row[e->wrongs[i]] - at->log_sum));
        for (int i = 0; i < e->n_answers; i++)
                gradient[e->answers[i]] -=
                        (float)(weight * exp(row[e->answers[i]] - at->log_sum));
        return loss;
}

const struct hap_metric hap_metric_prob_diff = {
        .name = "prob-diff",
        .help = "probability of the right answers minus that of the wrong answers",
        .needs = HAP_NEEDS_ANY_ANSWERS | HAP_NEEDS_LOG_SUM,
        .value = prob_diff_value,
        .gradient = prob_diff_gradient,
        .whole = hap_whole_prob_diff,
};

/* --- without gradients --- */

static double accuracy_value(const struct hap_metric_input *at)
{
        const int32_t first = (int32_t)hap_most_likely(at->n_out, at->logits);

        for (int i = 0; i < at->example->n_answers; i++)
                if (at->example->answers[i] == first)
                        return 1;
        return 0;
}

const struct hap_metric hap_metric_accuracy = {
        .name = "accuracy",
        .help = "how often the most likely token is a right answer",
        .needs = HAP_NEEDS_ANSWERS,
        .value = accuracy_value,
        .whole = hap_whole_accuracy,
};

static double exact_match_value(const struct hap_metric_input *at)
{
        return at->log_p && at->n_out > 1
                       ? hap_most_likely(at->n_out, at->logits) ==
                                 hap_most_likely(at->n_out, at->log_p)
                       : NAN;
}

const struct hap_metric hap_metric_exact_match = {
        .name = "exact-match",
        .help = "how often the most likely token is the full model's",
        .needs = HAP_NEEDS_FULL_MODEL,
        .value = exact_match_value,
        .along_answer = true,
};

static double right_over_wrong_value(const struct hap_metric_input *at)
{
        return log_sum_answers(at) > log_sum_wrongs(at);
}

const struct hap_metric hap_metric_right_over_wrong = {
        .name = "right-over-wrong",
        .help = "how often right answers together are more likely than wrong ones",
        .needs = HAP_NEEDS_ANSWERS | HAP_NEEDS_WRONG_ANSWERS,
        .value = right_over_wrong_value,
        .whole = hap_whole_right_over_wrong,
};

/* The empty circuit ablates every edge; with interchange that is the corrupted run. */
const struct hap_metric hap_metric_faithfulness = {
        .name = "faithfulness",
        .help = "mean logit-diff, scaled to 0 for the empty circuit and 1 for the full model",
        .needs = HAP_NEEDS_ANSWERS | HAP_NEEDS_WRONG_ANSWERS,
        .normalises = &hap_metric_logit_diff,
};

const struct hap_metric hap_metric_example_faithfulness = {
        .name = "example-faithfulness",
        .help = "the same scaling in each example, then averaged",
        .needs = HAP_NEEDS_ANSWERS | HAP_NEEDS_WRONG_ANSWERS,
        .on_request = true,
        .normalises = &hap_metric_logit_diff,
        .each_example = true,
};

/* --- the table --- */

const struct hap_metric *const hap_metrics[] = {
        &hap_metric_kl,          &hap_metric_logit_diff,  &hap_metric_prob_diff,
        &hap_metric_accuracy,    &hap_metric_exact_match, &hap_metric_right_over_wrong,
        &hap_metric_faithfulness, &hap_metric_answer_logit,
        &hap_metric_answer_log_probability, &hap_metric_prob_diff_10, &hap_metric_answer_rank,
        &hap_metric_kendall_tau, &hap_metric_js, &hap_metric_example_faithfulness, NULL,
};

const struct hap_metric *hap_metric_with_gradient(int i)
{
        const struct hap_metric *const *metric = hap_metrics;

        for (; *metric; metric++)
                if ((*metric)->gradient && i-- == 0)
                        return *metric;
        return NULL;
}

static const char *name_and_help(const struct hap_metric *metric, const char **help)
{
        if (!metric)
                return NULL;
        *help = metric->help;
        return metric->name;
}

const char *hap_metric_choice(int i, const char **help)
{
        return name_and_help(hap_metrics[i], help);
}

const char *hap_metric_gradient_choice(int i, const char **help)
{
        return name_and_help(hap_metric_with_gradient(i), help);
}

const char *hap_metric_missing(const struct hap_metric *metric, const struct hap_example *example)
{
        if ((metric->needs & HAP_NEEDS_ANSWERS) && !example->n_answers)
                return "answers";
        if ((metric->needs & HAP_NEEDS_WRONG_ANSWERS) && !example->n_wrongs)
                return "wrong answers";
        if ((metric->needs & HAP_NEEDS_ANY_ANSWERS) && !example->n_answers && !example->n_wrongs)
                return "answers";
        return NULL;
}

bool hap_metric_takes_whole(const struct hap_metric *metric)
{
        const struct hap_metric *measured = metric->normalises ? metric->normalises : metric;

        return measured->whole || measured->along_answer;
}

int hap_metric_check_whole(const struct hap_metric *metric, const struct hap_example *example,
                           struct hap_error *err)
{
        if (!example->whole || hap_metric_takes_whole(metric))
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT, "cannot score example '%.200s': %s is not defined for "
                        "answers of several tokens; use %s", example->id, metric->name,
                        metric->instead ? metric->instead : "kl");
}

/* --- of a prompt, and of prompts --- */

/* The number of positions that a metric is averaged over, and the i-th of them: all answer
 * positions, or those that predict the first right answer. */
static int n_positions(const struct hap_prompt *prompt, const struct hap_example *example)
{
        return example->whole ? example->whole->n : prompt->n_answer_positions;
}

static int position_at(const struct hap_example *example, int i)
{
        return example->whole ? example->whole->at[i] : i;
}

static struct hap_metric_input input_at(const struct hap_metric *metric,
                                        const struct hap_prompt *prompt,
                                        const struct hap_example *example, int n_out,
                                        const float *logits, int position)
{
        const size_t at = (size_t)position * (size_t)n_out;

        return (struct hap_metric_input){
                .example = example,
                .n_out = n_out,
                .logits = logits + at,
                .log_p = prompt->log_p ? prompt->log_p + at : NULL,
                .log_sum = metric->needs & HAP_NEEDS_LOG_SUM
                                   ? hap_log_sum_exp(n_out, logits + at) : NAN,
        };
}

double hap_metric_value(const struct hap_metric *metric, const struct hap_prompt *prompt,
                        const struct hap_example *example, int n_out, const float *logits)
{
        const int n = n_positions(prompt, example);
        double sum = 0;

        if (example->whole && !hap_metric_takes_whole(metric))
                return NAN;
        if (example->whole && metric->whole)
                return hap_whole_value(metric, prompt, example, n_out, logits);
        for (int i = 0; i < n; i++) {
                const struct hap_metric_input at = input_at(metric, prompt, example, n_out, logits,
                                                            position_at(example, i));

                sum += metric->value(&at);
        }
        return sum / n;
}

double hap_metric_loss(const struct hap_metric *metric, const struct hap_prompt *prompt,
                       const struct hap_example *example, int n_out, const float *logits,
                       float *gradient)
{
        const int n = n_positions(prompt, example);
        const double weight = 1.0 / n;
        double loss = 0;

        if (gradient)
                memset(gradient, 0, (size_t)prompt->n_answer_positions * (size_t)n_out *
                                            sizeof(*gradient));
        if (example->whole && !hap_metric_takes_whole(metric))
                return NAN;
        if (example->whole && metric->whole)
                return hap_whole_loss(metric, prompt, example, n_out, logits, gradient);
        for (int i = 0; i < n; i++) {
                const int position = position_at(example, i);
                const struct hap_metric_input at = input_at(metric, prompt, example, n_out, logits,
                                                            position);

                loss += metric->gradient(&at, weight,
                                         gradient ? gradient + (size_t)position * (size_t)n_out
                                                  : NULL);
        }
        return loss * weight;
}

void hap_metric_mean(const double *values, size_t n, size_t stride, double *mean, double *sd)
{
        double sum = 0, squares = 0;

        for (size_t i = 0; i < n; i++)
                sum += values[i * stride];
        *mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
                const double difference = values[i * stride] - *mean;

                squares += difference * difference;
        }
        *sd = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
}

int hap_metric_normalise(double circuit, double full, double empty, double *value,
                         struct hap_error *err)
{
        *value = (circuit - empty) / (full - empty);
        if (!isfinite(*value) || fabs(full - empty) <= ROUNDING * (fabs(full) + fabs(empty)))
                return hap_fail(err, HAP_EINPUT,
                                "cannot normalise: the full model and the empty circuit have the "
                                "same mean logit difference, %g", full);
        return HAP_OK;
}
