/* Metrics of the answers, and further comparisons with the full model. hap-eval reports them on
 * request. */
#include <math.h>

#include "metric/log_sum.h"
#include "metric/metric.h"
#include "metric/whole_answers.h"

/* --- answer-logit --- */

/* minus the mean logit of the right answers */
static double answer_logit_gradient(const struct hap_metric_input *at, double weight,
                                    float *gradient)
{
        const struct hap_example *e = at->example;
        double loss = 0;

        for (int i = 0; i < e->n_answers; i++) {
                loss -= at->logits[e->answers[i]] / (double)e->n_answers;
                if (gradient)
                        gradient[e->answers[i]] -= (float)(weight / e->n_answers);
        }
        return loss;
}

static double answer_logit_value(const struct hap_metric_input *at)
{
        return -answer_logit_gradient(at, 0, NULL);
}

const struct hap_metric hap_metric_answer_logit = {
        .name = "answer-logit",
        .help = "mean logit of the right answers",
        .needs = HAP_NEEDS_ANSWERS,
        .on_request = true,
        .value = answer_logit_value,
        .gradient = answer_logit_gradient,
        .instead = "answer-log-probability",
};

/* --- answer-log-probability --- */

/* log Σ_right q, in nats */
static double answer_log_probability_value(const struct hap_metric_input *at)
{
        return hap_metric_log_sum(at->logits, at->example->answers, at->example->n_answers) -
               at->log_sum;
}

/* d loss / d logit i = q_i − [i is right] q_i / Σ_right q */
static double answer_log_probability_gradient(const struct hap_metric_input *at, double weight,
                                              float *gradient)
{
        const struct hap_example *e = at->example;
        const double right = hap_metric_log_sum(at->logits, e->answers, e->n_answers);

        for (int i = 0; gradient && i < at->n_out; i++)
                gradient[i] = (float)(weight * exp(at->logits[i] - at->log_sum));
        for (int i = 0; gradient && i < e->n_answers; i++)
                gradient[e->answers[i]] -=
                        (float)(weight * exp(at->logits[e->answers[i]] - right));
        return at->log_sum - right;
}

const struct hap_metric hap_metric_answer_log_probability = {
        .name = "answer-log-probability",
        .help = "log of the total probability of the right answers, in nats",
        .needs = HAP_NEEDS_ANSWERS | HAP_NEEDS_LOG_SUM,
        .on_request = true,
        .value = answer_log_probability_value,
        .gradient = answer_log_probability_gradient,
        .whole = hap_whole_answer_log_probability,
};

/* --- prob-diff-10 --- */

/* Edge-Pruning's gt.py (Bhaskar et al. 2024): softmax over the two-digit years alone, years
 * YY + 1 … YY + 10 minus years YY − 10 … YY − 1. greater-than lists the right answers upwards
 * from YY + 1 and the wrong ones upwards to YY, which is left out here. */
static double prob_diff_10_value(const struct hap_metric_input *at)
{
        enum { YEARS = 10 };
        const struct hap_example *e = at->example;
        const int up = e->n_answers < YEARS ? e->n_answers : YEARS;
        const int below = e->n_wrongs - 1, down = below < YEARS ? below : YEARS;
        const double right = hap_metric_log_sum(at->logits, e->answers, e->n_answers);
        const double wrong = hap_metric_log_sum(at->logits, e->wrongs, e->n_wrongs);
        const double all = fmax(right, wrong) + log1p(exp(-fabs(right - wrong)));

        return exp(hap_metric_log_sum(at->logits, e->answers, up) - all) -
               exp(hap_metric_log_sum(at->logits, e->wrongs + below - down, down) - all);
}

const struct hap_metric hap_metric_prob_diff_10 = {
        .name = "prob-diff-10",
        .help = "probability of the next 10 years minus that of the 10 years before",
        .needs = HAP_NEEDS_ANSWERS | HAP_NEEDS_WRONG_ANSWERS,
        .on_request = true,
        .value = prob_diff_10_value,
        .instead = "prob-diff",
};

/* --- answer-rank --- */

/* 1 + the number of tokens with a larger logit than the best right answer */
static double answer_rank_value(const struct hap_metric_input *at)
{
        const struct hap_example *e = at->example;
        float best = -INFINITY;
        int rank = 1;

        for (int i = 0; i < e->n_answers; i++)
                best = fmaxf(best, at->logits[e->answers[i]]);
        for (int i = 0; i < at->n_out; i++)
                rank += at->logits[i] > best;
        return rank;
}

const struct hap_metric hap_metric_answer_rank = {
        .name = "answer-rank",
        .help = "rank of the most likely right answer among all tokens; 1 is the best",
        .needs = HAP_NEEDS_ANSWERS,
        .lower_is_better = true,
        .on_request = true,
        .value = answer_rank_value,
        .instead = "accuracy",
};

/* --- kendall-tau --- */

static int32_t answer_token(const struct hap_example *e, int i)
{
        return i < e->n_answers ? e->answers[i] : e->wrongs[i - e->n_answers];
}

/* NaN if all are tied. */
static double kendall_tau_value(const struct hap_metric_input *at)
{
        const struct hap_example *e = at->example;
        const int n = e->n_answers + e->n_wrongs;
        struct hap_kendall sums = {0};

        for (int i = 0; at->log_p && i < n; i++)
                for (int j = 0; j < i; j++) {
                        const int32_t a = answer_token(e, i), b = answer_token(e, j);

                        hap_kendall_add(&sums, (double)(at->logits[a] - at->logits[b]),
                                        (double)(at->log_p[a] - at->log_p[b]));
                }
        return hap_kendall_tau(&sums);
}

const struct hap_metric hap_metric_kendall_tau = {
        .name = "kendall-tau",
        .help = "Kendall's rank correlation of the answers with the full model's",
        .needs = HAP_NEEDS_ANSWERS | HAP_NEEDS_WRONG_ANSWERS | HAP_NEEDS_FULL_MODEL,
        .on_request = true,
        .value = kendall_tau_value,
        .whole = hap_whole_kendall_tau,
};

/* --- js --- */

/* ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½ (p + q); d / d logit i = ½ q_i (log(q_i / m_i) − KL(q ‖ m)).
 * NaN for a model that answers with a number. */
static double js_gradient(const struct hap_metric_input *at, double weight, float *gradient)
{
        double left = 0, right = 0;

        if (!at->log_p || at->n_out == 1)
                return NAN;
        for (int pass = 0; pass < (gradient ? 2 : 1); pass++)
                for (int i = 0; i < at->n_out; i++) {
                        const double log_p = at->log_p[i], log_q = at->logits[i] - at->log_sum;
                        const double log_m = fmax(log_p, log_q) - log(2) +
                                             log1p(exp(-fabs(log_p - log_q)));

                        if (pass) {
                                gradient[i] += (float)(weight / 2 * exp(log_q) *
                                                       (log_q - log_m - right));
                                continue;
                        }
                        left += exp(log_p) * (log_p - log_m);
                        right += exp(log_q) * (log_q - log_m);
                }
        return (left + right) / 2;
}

static double js_value(const struct hap_metric_input *at)
{
        return js_gradient(at, 0, NULL);
}

const struct hap_metric hap_metric_js = {
        .name = "js",
        .help = "Jensen-Shannon divergence from the full model's distribution, in nats",
        .needs = HAP_NEEDS_FULL_MODEL | HAP_NEEDS_LOG_SUM,
        .lower_is_better = true,
        .on_request = true,
        .value = js_value,
        .gradient = js_gradient,
        .along_answer = true,
};
