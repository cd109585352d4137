#include "metric/loss.h"

#include <math.h>
#include <string.h>

const char *const hap_metric_names[] = {"logit-diff", "kl", "prob-diff", NULL};

/* mean over wrongs − mean over answers. */
static double logit_diff(const struct hap_example *e, const float *row, double weight,
                         float *gradient)
{
        double loss = 0;

        for (int i = 0; i < e->n_wrongs; i++) {
                loss += row[e->wrongs[i]] / (double)e->n_wrongs;
                if (gradient != NULL)
                        gradient[e->wrongs[i]] += (float)(weight / e->n_wrongs);
        }
        for (int i = 0; i < e->n_answers; i++) {
                loss -= row[e->answers[i]] / (double)e->n_answers;
                if (gradient != NULL)
                        gradient[e->answers[i]] -= (float)(weight / e->n_answers);
        }
        return loss;
}

/* Σ q(wrongs) − Σ q(answers); d / d logit i = q_i (sign_i − loss). */
static double prob_diff(const struct hap_example *e, int n, const float *row, double weight,
                        float *gradient)
{
        const double total = hap_log_sum_exp(n, row);
        double loss = 0;

        for (int i = 0; i < e->n_wrongs; i++)
                loss += exp(row[e->wrongs[i]] - total);
        for (int i = 0; i < e->n_answers; i++)
                loss -= exp(row[e->answers[i]] - total);
        if (gradient == NULL)
                return loss;
        for (int i = 0; i < n; i++)
                gradient[i] = (float)(-weight * loss * exp(row[i] - total));
        for (int i = 0; i < e->n_wrongs; i++)
                gradient[e->wrongs[i]] += (float)(weight * exp(row[e->wrongs[i]] - total));
        for (int i = 0; i < e->n_answers; i++)
                gradient[e->answers[i]] -= (float)(weight * exp(row[e->answers[i]] - total));
        return loss;
}

double hap_loss(enum hap_metric metric, const struct hap_prompt *prompt,
                const struct hap_example *example, int n_out,
                const float *logits, float *gradient)
{
        const double weight = 1.0 / prompt->n_answer_positions;
        double loss = 0;

        if (gradient != NULL)
                memset(gradient, 0, (size_t)prompt->n_answer_positions * n_out * sizeof(*gradient));
        for (int a = 0; a < prompt->n_answer_positions; a++) {
                const float *row = logits + (size_t)a * n_out;
                float *g = gradient != NULL ? gradient + (size_t)a * n_out : NULL;

                if (metric == HAP_LOGIT_DIFF)
                        loss += logit_diff(example, row, weight, g);
                else if (metric == HAP_KL)
                        loss += hap_kl(n_out, prompt->log_p + (size_t)a * n_out, row,
                                       hap_log_sum_exp(n_out, row), weight, g);
                else
                        loss += prob_diff(example, n_out, row, weight, g);
        }
        return loss * weight;
}
