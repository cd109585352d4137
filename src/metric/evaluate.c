#include "metric/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/loss.h"
#include "forward/masked.h"

static int likeliest(int n, const float *values)
{
        int best = 0;

        for (int i = 1; i < n; i++)
                if (values[i] > values[best])
                        best = i;
        return best;
}

static bool is_among(int32_t token, const int32_t *tokens, int n)
{
        for (int i = 0; i < n; i++)
                if (tokens[i] == token)
                        return true;
        return false;
}

static double mean_logit(const float *logits, const int32_t *tokens, int n)
{
        double sum = 0;

        for (int i = 0; i < n; i++)
                sum += (double)logits[tokens[i]];
        return n ? sum / n : 0;
}

/* log Σ exp(logit) over the tokens, −∞ for none; over all n_out with NULL. */
static double log_sum(const float *logits, const int32_t *tokens, int n)
{
        double most = -INFINITY, sum = 0;

        for (int i = 0; i < n; i++)
                most = fmax(most, (double)logits[tokens ? tokens[i] : i]);
        for (int i = 0; i < n; i++)
                sum += exp((double)logits[tokens ? tokens[i] : i] - most);
        return n ? most + log(sum) : -INFINITY;
}

/* At one answer position. */
static struct hap_metric_values measure(const struct hap_example *e, int n_out,
                                  const float *log_p, const float *logits)
{
        const double all = log_sum(logits, NULL, n_out);
        const double right = log_sum(logits, e->answers, e->n_answers);
        const double wrong = log_sum(logits, e->wrongs, e->n_wrongs);
        const int first = likeliest(n_out, logits);

        return (struct hap_metric_values){
                .kl = log_p ? hap_kl(n_out, log_p, logits, all, 0, NULL) : NAN,
                .logit_diff = mean_logit(logits, e->answers, e->n_answers) -
                              mean_logit(logits, e->wrongs, e->n_wrongs),
                .prob_diff = exp(right - all) - exp(wrong - all),
                .accuracy = is_among(first, e->answers, e->n_answers),
                .exact_match = log_p && n_out > 1 ? first == likeliest(n_out, log_p) : NAN,
                .right_over_wrong = right > wrong,
        };
}

_Static_assert(sizeof(struct hap_metric_values) == HAP_N_METRIC_VALUES * sizeof(double),
               "an outcome is that many doubles");

static void add(struct hap_metric_values *sum, const struct hap_metric_values *one)
{
        double to[HAP_N_METRIC_VALUES], from[HAP_N_METRIC_VALUES];

        memcpy(to, sum, sizeof to);
        memcpy(from, one, sizeof from);
        for (int i = 0; i < HAP_N_METRIC_VALUES; i++)
                to[i] += from[i];
        memcpy(sum, to, sizeof to);
}

static void divide(struct hap_metric_values *sum, double n)
{
        double of[HAP_N_METRIC_VALUES];

        memcpy(of, sum, sizeof of);
        for (int i = 0; i < HAP_N_METRIC_VALUES; i++)
                of[i] /= n;
        memcpy(sum, of, sizeof of);
}

void hap_metric_values_of(const struct hap_prompt *prompt, const struct hap_example *example,
                    int n_out, const float *logits, struct hap_metric_values *outcome)
{
        *outcome = (struct hap_metric_values){0};
        for (int i = 0; i < prompt->n_answer_positions; i++) {
                const size_t at = (size_t)i * (size_t)n_out;
                const struct hap_metric_values here = measure(
                        example, n_out, prompt->log_p ? prompt->log_p + at : NULL, logits + at);

                add(outcome, &here);
        }
        divide(outcome, prompt->n_answer_positions);
}

struct hap_metric_values hap_metric_values_mean(const struct hap_metric_values *outcomes, size_t n)
{
        struct hap_metric_values mean = {0};

        for (size_t i = 0; i < n; i++)
                add(&mean, outcomes + i);
        if (n)
                divide(&mean, (double)n);
        return mean;
}

struct evaluating {
        const struct hap_prompts *prompts;
        const float *z;
        struct hap_metric_values *outcomes; /* [prompts->n] */
};

static int measure_batch(void *context, struct hap_scratch *work, size_t b)
{
        const struct evaluating *in = context;
        const struct hap_prompts *prompts = in->prompts;
        const size_t begin = prompts->batches.start[b];
        const int n = (int)(prompts->batches.start[b + 1] - begin);
        const int n_out = work->engine->model->config.n_out;
        const float *z[HAP_BATCH_PROMPTS];
        struct hap_masked run = {.z = z};
        struct hap_batch batch;
        int rc;

        for (int i = 0; i < n; i++)
                z[i] = in->z;
        rc = hap_batch_init(&batch, work, prompts->pointers + begin, n, true);
        if (rc < 0 || (rc = hap_masked_forward(work, &batch, &run)) < 0)
                return rc;
        for (int i = 0; i < n; i++) {
                const struct hap_example *example = prompts->examples + begin + i;
                struct hap_metric_values *outcome = in->outcomes + begin + i;

                hap_metric_values_of(prompts->pointers[begin + (size_t)i], example, n_out,
                               run.logits + (size_t)batch.answers.start[i] * (size_t)n_out,
                               outcome);
                if (!isfinite(outcome->kl) || !isfinite(outcome->logit_diff))
                        return hap_fail(&work->error, HAP_EINPUT,
                                        "cannot evaluate example '%.200s': its logits are "
                                        "not finite", example->id);
        }
        return HAP_OK;
}

int hap_evaluate(const struct hap_engine *engine, const struct hap_prompts *prompts,
                 const float *z, struct hap_metric_values *mean, struct hap_metric_values *per_example,
                 struct hap_error *err)
{
        struct evaluating in = {prompts, z, per_example};
        const struct hap_batches *b = &prompts->batches;
        const size_t bytes = hap_scratch_bytes(engine, b->max_rows, b->longest, b->max_answers,
                                            true, false);
        int rc;

        if (!per_example)
                in.outcomes = calloc(prompts->n, sizeof *in.outcomes);
        if (!in.outcomes)
                return hap_fail_memory(err, "outcomes");
        rc = hap_parallel(engine, b->n, bytes, measure_batch, &in, err);
        if (rc == 0 && mean)
                *mean = hap_metric_values_mean(in.outcomes, prompts->n);
        if (!per_example)
                free(in.outcomes);
        return rc;
}
