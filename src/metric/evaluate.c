#include "metric/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "common/number.h"
#include "forward/distribution.h"
#include "forward/masked.h"
#include "forward/parallel.h"

struct masked_evaluation {
        const struct hap_prompts *prompts;
        const float *z; /* NULL: the full model, whose run was kept */
        const struct hap_metric *const *metrics;
        int n_metrics;
        double *values; /* [prompts->n][n_metrics] */
        struct hap_predictions predictions;
};

static int refuse_not_finite(struct hap_scratch *scratch, const struct hap_example *example)
{
        return hap_fail(&scratch->error, HAP_EINPUT,
                        "cannot evaluate example '%.200s': its logits are not finite",
                        example->id);
}

/* The likeliest tokens of prompt i. */
static void predict(const struct masked_evaluation *in, size_t i, const float *logits, int n_out)
{
        const struct hap_example *example = in->prompts->examples + i;
        const int last = example->whole ? 0 : example->n_answer_positions - 1;
        const float *row = logits + (size_t)last * (size_t)n_out;
        const int n = in->predictions.n;
        struct hap_prediction *items = in->predictions.items + i * (size_t)n;
        const double all = hap_log_sum_exp(n_out, row);
        int32_t top[HAP_MAX_PREDICTIONS];
        const int found = hap_likeliest(n_out, row, n, top);

        for (int k = 0; k < n; k++)
                items[k] = k < found ? (struct hap_prediction){top[k], (float)exp((double)row[top[k]] - all)}
                                     : (struct hap_prediction){-1, 0};
}

/* The metrics of prompt i from its logits, [n_answer_positions][n_out]. */
static int measure_prompt(const struct masked_evaluation *in, struct hap_scratch *scratch, size_t i,
                          const float *logits)
{
        const struct hap_prompt *prompt = in->prompts->pointers[i];
        const struct hap_example *example = in->prompts->examples + i;
        const int n_out = scratch->engine->model->config.n_out;

        if (!hap_all_finite(logits, (size_t)prompt->n_answer_positions * (size_t)n_out))
                return refuse_not_finite(scratch, example);
        if (in->predictions.n)
                predict(in, i, logits, n_out);
        for (int m = 0; m < in->n_metrics; m++) {
                double *value = in->values + i * (size_t)in->n_metrics + (size_t)m;

                *value = hap_metric_value(in->metrics[m], prompt, example, n_out, logits);
                if (isinf(*value))
                        return refuse_not_finite(scratch, example);
        }
        return HAP_OK;
}

/* The full model's logits, from its log-probabilities. */
static int measure_full(const struct masked_evaluation *in, struct hap_scratch *scratch, size_t b)
{
        const size_t n_out = (size_t)scratch->engine->model->config.n_out;
        const size_t mark = scratch->used;
        int rc = HAP_OK;

        for (size_t i = in->prompts->batches.start[b];
             i < in->prompts->batches.start[b + 1] && rc == 0; i++) {
                const struct hap_prompt *prompt = in->prompts->pointers[i];
                const size_t rows = (size_t)prompt->n_answer_positions;
                float *logits = hap_scratch_alloc(scratch, rows * n_out, sizeof *logits);

                for (size_t k = 0; logits && k < rows * n_out; k++)
                        logits[k] = (float)((double)prompt->log_p[k] + prompt->log_sum[k / n_out]);
                rc = logits ? measure_prompt(in, scratch, i, logits) : scratch->error.code;
                scratch->used = mark;
        }
        return rc;
}

static int measure_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct masked_evaluation *in = context;
        const struct hap_prompts *prompts = in->prompts;
        const size_t begin = prompts->batches.start[b];
        const int n = (int)(prompts->batches.start[b + 1] - begin);
        const size_t n_out = (size_t)scratch->engine->model->config.n_out;
        const float *z[HAP_BATCH_PROMPTS];
        struct hap_masked run = {.z = z};
        struct hap_batch batch;
        int rc;

        if (!in->z)
                return measure_full(in, scratch, b);
        for (int i = 0; i < n; i++)
                z[i] = in->z;
        rc = hap_batch_init(&batch, scratch, prompts->pointers + begin, n, true);
        if (rc < 0 || (rc = hap_masked_forward(scratch, &batch, &run)) < 0)
                return rc;
        for (int i = 0; i < n && rc == 0; i++)
                rc = measure_prompt(in, scratch, begin + (size_t)i,
                                    run.logits + (size_t)batch.answers.start[i] * n_out);
        return rc;
}

static bool batch_values(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct masked_evaluation *in = context;
        const size_t *start = in->prompts->batches.start + b, prompts = start[1] - start[0];
        const struct hap_predictions *p = &in->predictions;
        const size_t n = (size_t)in->n_metrics, n_predictions = (size_t)p->n;

        if (k == 0)
                *piece = (struct hap_piece){in->values + start[0] * n,
                                            prompts * n * sizeof *in->values};
        else if (k == 1 && p->n)
                *piece = (struct hap_piece){p->items + start[0] * n_predictions,
                                            prompts * n_predictions * sizeof *p->items};
        else
                return false;
        return true;
}

int hap_evaluate_predicting(const struct hap_engine *engine, const struct hap_prompts *prompts,
                            const float *z, const struct hap_metric *const *metrics, int n_metrics,
                            double *values, const struct hap_predictions *predictions,
                            struct hap_error *err)
{
        struct masked_evaluation in = {prompts, z, metrics, n_metrics, values, *predictions};

        return hap_parallel(engine, prompts->batches.n, measure_batch, batch_values, &in, err);
}

int hap_evaluate(const struct hap_engine *engine, const struct hap_prompts *prompts,
                 const float *z, const struct hap_metric *const *metrics, int n_metrics,
                 double *values, struct hap_error *err)
{
        const struct hap_predictions none = {0};

        return hap_evaluate_predicting(engine, prompts, z, metrics, n_metrics, values, &none, err);
}

int hap_evaluate_mean(const struct hap_engine *engine, const struct hap_prompts *prompts,
                      const float *z, const struct hap_metric *metric, double *mean,
                      struct hap_error *err)
{
        double *values = calloc(prompts->n, sizeof *values), sd;
        int rc;

        if (!values)
                return hap_fail_memory(err, "metrics");
        rc = hap_evaluate(engine, prompts, z, &metric, 1, values, err);
        if (rc == 0)
                hap_metric_mean(values, prompts->n, 1, mean, &sd);
        free(values);
        return rc;
}
