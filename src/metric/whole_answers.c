#include "metric/whole_answers.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"
#include "forward/distribution.h"

/* --- log-probabilities of answers --- */

static int n_all(const struct hap_example *e)
{
        return e->n_answers + e->n_wrongs;
}

/* log_q[i] = log q of answer i, from logits or log-probabilities (see hap_answer_log_probability). */
static void sum_answers(const struct hap_example *e, int n_out, const float *rows,
                        const double *log_sum, double *log_q)
{
        for (int i = 0; i < n_all(e); i++)
                log_q[i] = hap_answer_log_probability(e->whole + i, n_out, rows, log_sum);
}

/* gradient[k] += Σ_{a through k} slope_a (e(next token of a) − softmax(logits[k])) */
static void add_gradient(const struct hap_example *e, int n_positions, int n_out,
                         const float *logits, const double *log_sum, const double *slope,
                         double *through, float *gradient)
{
        for (int k = 0; k < n_positions; k++)
                through[k] = 0;
        for (int i = 0; i < n_all(e); i++)
                for (int t = 0; t < e->whole[i].n; t++) {
                        const int at = e->whole[i].at[t];

                        through[at] += slope[i];
                        gradient[(size_t)at * (size_t)n_out + e->whole[i].tokens[t]] +=
                                (float)slope[i];
                }
        for (int k = 0; k < n_positions; k++) {
                const size_t row = (size_t)k * (size_t)n_out;

                for (int v = 0; through[k] != 0 && v < n_out; v++)
                        gradient[row + v] -= (float)(through[k] * exp(logits[row + v] - log_sum[k]));
        }
}

/* The value times `sign`, and its gradient. */
static double measure(const struct hap_metric *metric, const struct hap_prompt *prompt,
                      const struct hap_example *e, int n_out, const float *logits, double sign,
                      float *gradient)
{
        const size_t n = (size_t)n_all(e), n_positions = (size_t)prompt->n_answer_positions;
        const bool full = (metric->needs & HAP_NEEDS_FULL_MODEL) && prompt->log_p;
        struct hap_whole_input at = {.example = e, .n_out = n_out, .logits = logits};
        double *log_sum = calloc(2 * n_positions + 3 * n, sizeof *log_sum);
        double *through, *log_q, *log_p, *slope, value;

        if (!log_sum) {
                hap_memory_short();
                return NAN;
        }
        through = log_sum + n_positions;
        log_q = through + n_positions;
        log_p = log_q + n;
        slope = log_p + n;
        at.log_q = log_q;
        at.log_p = full ? log_p : NULL;
        for (size_t k = 0; k < n_positions; k++)
                log_sum[k] = hap_log_sum_exp(n_out, logits + k * (size_t)n_out);
        sum_answers(e, n_out, logits, log_sum, log_q);
        if (full)
                sum_answers(e, n_out, prompt->log_p, NULL, log_p);
        value = sign * metric->whole(&at, gradient ? slope : NULL);
        for (size_t i = 0; gradient && i < n; i++)
                slope[i] *= sign;
        if (gradient)
                add_gradient(e, (int)n_positions, n_out, logits, log_sum, slope, through, gradient);
        free(log_sum);
        return value;
}

double hap_whole_value(const struct hap_metric *metric, const struct hap_prompt *prompt,
                       const struct hap_example *example, int n_out, const float *logits)
{
        return measure(metric, prompt, example, n_out, logits, 1, NULL);
}

double hap_whole_loss(const struct hap_metric *metric, const struct hap_prompt *prompt,
                      const struct hap_example *example, int n_out, const float *logits,
                      float *gradient)
{
        return measure(metric, prompt, example, n_out, logits, metric->lower_is_better ? 1 : -1,
                       gradient);
}

/* --- the metrics --- */

/* mean of log q over the right answers − that over the wrong answers */
double hap_whole_logit_diff(const struct hap_whole_input *at, double *slope)
{
        const struct hap_example *e = at->example;
        double value = 0;

        for (int i = 0; i < n_all(e); i++) {
                const double weight = i < e->n_answers ? 1.0 / e->n_answers : -1.0 / e->n_wrongs;

                value += weight * at->log_q[i];
                if (slope)
                        slope[i] = weight;
        }
        return value;
}

/* Σ q of the right answers − Σ q of the wrong answers */
double hap_whole_prob_diff(const struct hap_whole_input *at, double *slope)
{
        const struct hap_example *e = at->example;
        double value = 0;

        for (int i = 0; i < n_all(e); i++) {
                const double q = (i < e->n_answers ? 1 : -1) * exp(at->log_q[i]);

                value += q;
                if (slope)
                        slope[i] = q;
        }
        return value;
}

/* log Σ exp of n values; −∞ for none */
static double log_sum_of(const double *values, int n)
{
        double max = -INFINITY, sum = 0;

        for (int i = 0; i < n; i++)
                max = fmax(max, values[i]);
        for (int i = 0; i < n; i++)
                sum += exp(values[i] - max);
        return n ? max + log(sum) : max;
}

/* log Σ q of the right answers */
double hap_whole_answer_log_probability(const struct hap_whole_input *at, double *slope)
{
        const struct hap_example *e = at->example;
        const double value = log_sum_of(at->log_q, e->n_answers);

        for (int i = 0; slope && i < n_all(e); i++)
                slope[i] = i < e->n_answers ? exp(at->log_q[i] - value) : 0;
        return value;
}

/* Whether each token of the answer is the most likely one. */
static bool is_greedy(const struct hap_whole_input *at, const struct hap_answer *answer)
{
        for (int t = 0; t < answer->n; t++) {
                const float *row = at->logits + (size_t)answer->at[t] * (size_t)at->n_out;

                if (hap_most_likely(at->n_out, row) != answer->tokens[t])
                        return false;
        }
        return true;
}

double hap_whole_accuracy(const struct hap_whole_input *at, double *slope)
{
        (void)slope;
        for (int i = 0; i < at->example->n_answers; i++)
                if (is_greedy(at, at->example->whole + i))
                        return 1;
        return 0;
}

double hap_whole_right_over_wrong(const struct hap_whole_input *at, double *slope)
{
        const struct hap_example *e = at->example;

        (void)slope;
        return log_sum_of(at->log_q, e->n_answers) >
               log_sum_of(at->log_q + e->n_answers, e->n_wrongs);
}

static int sign_of(double difference)
{
        return (difference > 0) - (difference < 0);
}

void hap_kendall_add(struct hap_kendall *sums, double here, double there)
{
        sums->agree += sign_of(here) * sign_of(there);
        sums->here += sign_of(here) != 0;
        sums->there += sign_of(there) != 0;
}

double hap_kendall_tau(const struct hap_kendall *sums)
{
        return sums->here > 0 && sums->there > 0 ? sums->agree / sqrt(sums->here * sums->there)
                                                 : NAN;
}

double hap_whole_kendall_tau(const struct hap_whole_input *at, double *slope)
{
        struct hap_kendall sums = {0};

        (void)slope;
        for (int i = 0; at->log_p && i < n_all(at->example); i++)
                for (int j = 0; j < i; j++)
                        hap_kendall_add(&sums, at->log_q[i] - at->log_q[j],
                                        at->log_p[i] - at->log_p[j]);
        return hap_kendall_tau(&sums);
}
