#include "eval/head_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/attention_scores.h"
#include "forward/attention.h"
#include "forward/parallel.h"
#include "forward/product.h"
#include "forward/run_values.h"
#include "metric/metric.h"

int hap_head_of(const struct hap_graph *graph, int head)
{
        return hap_graph_head_writer(graph, head / graph->n_heads, head % graph->n_heads);
}

void hap_head_values_release(struct hap_head_values *v)
{
        free(v->values);
        free(v->mean);
        free(v->examples);
        free(v->direction);
        free(v->start);
        *v = (struct hap_head_values){0};
}

static int reserve(struct hap_head_values *v, const struct hap_engine *engine,
                   const struct hap_prompts *prompts, struct hap_error *err)
{
        const struct hap_graph *graph = &engine->graph;
        const struct hap_example *first = prompts->examples;
        size_t rows = 0;

        *v = (struct hap_head_values){.n_heads = graph->n_layers * graph->n_heads,
                                      .n_writers = graph->n_writers, .n_names = first->n_named,
                                      .names = first->named, .n = prompts->n};
        v->stride = hap_value_logits(v) + 1;
        v->d_model = (size_t)engine->model->config.d_model;
        v->values = calloc(v->n * v->stride, sizeof *v->values);
        v->mean = calloc(v->stride, sizeof *v->mean);
        v->examples = calloc(v->stride, sizeof *v->examples);
        v->start = calloc(v->n + 1, sizeof *v->start);
        for (size_t i = 0; v->start && i < v->n; i++)
                v->start[i + 1] = rows += (size_t)prompts->examples[i].n_answer_positions;
        v->direction = calloc(rows * v->d_model, sizeof *v->direction);
        return v->values && v->mean && v->examples && v->start && v->direction
                       ? HAP_OK : hap_fail_memory(err, "values of heads");
}

/* --- direct effects --- */

/* Weights of the logits whose sum is the logit difference: [n_out]. */
static void difference_weights(const struct hap_example *e, int n_out, float *weights)
{
        for (int i = 0; i < n_out; i++)
                weights[i] = e->n_wrongs ? 0 : -1 / (float)n_out;
        for (int i = 0; i < e->n_wrongs; i++)
                weights[e->wrongs[i]] -= 1 / (float)e->n_wrongs;
        for (int i = 0; i < e->n_answers; i++)
                weights[e->answers[i]] += 1 / (float)e->n_answers;
}

/* direction, in place of (Ū_right − Ū_wrong), [d]. */
static void finish_direction(const struct hap_model *model, float rstd, float *direction)
{
        const int d = model->config.d_model;
        double mean = 0;

        for (int j = 0; j < d; j++) {
                direction[j] *= rstd * model->config.logit_scale *
                                (model->final_norm.gain ? model->final_norm.gain[j] : 1);
                mean += (double)direction[j] / d;
        }
        for (int j = 0; j < d && model->config.norm == HAP_NORM_LAYER; j++)
                direction[j] -= (float)mean;
}

static double dot(int n, const float *a, const float *b)
{
        double sum = 0;

        for (int i = 0; i < n; i++)
                sum += (double)a[i] * (double)b[i];
        return sum;
}

/* The difference of logits by these weights, before the cap. */
static double weighted_logits(const struct hap_config *config, const float *weights,
                              const float *logits)
{
        double sum = 0;

        for (int i = 0; i < config->n_out; i++) {
                const double cap = (double)config->logit_cap, logit = (double)logits[i];

                if (weights[i] != 0)
                        sum += (double)weights[i] * (cap > 0 ? cap * atanh(logit / cap) : logit);
        }
        return sum;
}

struct observation {
        struct hap_head_values *v;
        const struct hap_prompts *prompts;
        const float *z;   /* of a masked run, [n_edges] */
        double *effects;  /* of a masked run, [n][n_heads] */
};

/* A batch that has been run in full. */
struct observed {
        const struct observation *o;
        struct hap_scratch *scratch;
        const struct hap_batch *batch;
        const struct hap_full_run *run;
        size_t begin;  /* the number of its first example */
        float *weights; /* [answers.n][n_out]: see difference_weights */
};

/* Adds the direct effects at the k-th answer position of the batch's i-th example. */
static void add_effects(const struct observed *s, int i, int k, double *values)
{
        const struct hap_model *model = s->scratch->engine->model;
        const struct hap_rows *rows = &s->batch->rows, *answers = &s->batch->answers;
        const struct hap_head_values *v = s->o->v;
        const size_t d = (size_t)model->config.d_model, n_out = (size_t)model->config.n_out;
        const int n = s->batch->prompts[i]->n_answer_positions;
        const size_t row = (size_t)answers->start[i] + (size_t)k;
        const int at = rows->start[i] + s->batch->prompts[i]->answer_first + k - rows->first[i];
        float *direction = v->direction + (v->start[s->begin] + row) * d;

        finish_direction(model, hap_full_final_scale(s->run, row), direction);
        for (int w = 0; w < v->n_writers; w++)
                values[hap_value_direct(v, w)] +=
                        dot((int)d, direction,
                            s->run->outputs + ((size_t)w * (size_t)rows->n + (size_t)at) * d) / n;
        values[hap_value_logits(v)] += weighted_logits(&model->config, s->weights + row * n_out,
                                                       s->run->logits + row * n_out) / n;
}

/* Directions, direct effects and logit differences of the batch's examples. */
static int direct_effects(struct observed *s)
{
        const struct hap_model *model = s->scratch->engine->model;
        const struct hap_head_values *v = s->o->v;
        const struct hap_example *examples = s->o->prompts->examples + s->begin;
        const int n_out = model->config.n_out, d = model->config.d_model, n = s->batch->answers.n;

        s->weights = hap_scratch_alloc(s->scratch, (size_t)n * (size_t)n_out, sizeof *s->weights);
        if (!s->weights)
                return s->scratch->error.code;
        for (int i = 0; i < s->batch->n; i++)
                for (int r = s->batch->answers.start[i]; r < s->batch->answers.start[i + 1]; r++)
                        difference_weights(examples + i, n_out,
                                           s->weights + (size_t)r * (size_t)n_out);
        hap_product_backward(s->scratch, hap_block_all(&model->unembedding), n, s->weights, n_out,
                             0, v->direction + v->start[s->begin] * (size_t)d, d);
        for (int i = 0; i < s->batch->n; i++) {
                double *values = v->values + (s->begin + (size_t)i) * v->stride;

                for (int k = 0; k < s->batch->prompts[i]->n_answer_positions; k++)
                        add_effects(s, i, k, values);
                if (!isfinite(values[hap_value_logits(v)]))
                        return hap_fail(&s->scratch->error, HAP_EINPUT, "cannot use example "
                                        "'%.200s': its logits are not finite", examples[i].id);
        }
        return HAP_OK;
}

static int observe_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct observation *o = context;
        const size_t begin = o->prompts->batches.start[b];
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const int n = (int)(o->prompts->batches.start[b + 1] - begin);
        const struct hap_example *examples = o->prompts->examples + begin;
        struct hap_prompt prompts[HAP_BATCH_PROMPTS];
        const struct hap_prompt *pointers[HAP_BATCH_PROMPTS];
        struct hap_full_run run = {.gradients = true};
        struct hap_batch batch;
        bool *keys;
        int rc;

        for (int i = 0; i < n; i++) {
                prompts[i] = hap_prompt_of(examples + i, false);
                pointers[i] = prompts + i;
        }
        if ((rc = hap_batch_init(&batch, scratch, pointers, n, false)) < 0)
                return rc;
        keys = hap_scratch_alloc(scratch, (size_t)batch.rows.n, sizeof *keys);
        run.outputs = hap_scratch_alloc(scratch, (size_t)o->v->n_writers,
                                        (size_t)batch.rows.n * d * sizeof(float));
        if (!keys || !run.outputs)
                return scratch->error.code;
        if ((rc = hap_full_forward(scratch, &batch, &run)) < 0)
                return rc;
        hap_attention_scores(o->v, scratch->engine, &batch, &run, examples, keys,
                             o->v->values + begin * o->v->stride);
        return direct_effects(&(struct observed){.o = o, .scratch = scratch, .batch = &batch,
                                                 .run = &run, .begin = begin});
}

/* The values and the directions of the batch's examples. */
static bool observed_piece(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct observation *o = context;
        const size_t begin = o->prompts->batches.start[b], end = o->prompts->batches.start[b + 1];
        const struct hap_head_values *v = o->v;

        *piece = k == 0 ? (struct hap_piece){v->values + begin * v->stride,
                                             (end - begin) * v->stride * sizeof *v->values}
                        : (struct hap_piece){v->direction + v->start[begin] * v->d_model,
                                             (v->start[end] - v->start[begin]) * v->d_model *
                                                     sizeof *v->direction};
        return k < 2;
}

/* mean[i] = the mean of values that are not NaN, in the order of the examples. */
static void average(const double *values, size_t n, size_t stride, double *mean, size_t *count)
{
        memset(mean, 0, stride * sizeof *mean);
        memset(count, 0, stride * sizeof *count);
        for (size_t e = 0; e < n; e++)
                for (size_t i = 0; i < stride; i++)
                        if (!isnan(values[e * stride + i])) {
                                mean[i] += values[e * stride + i];
                                count[i]++;
                        }
        for (size_t i = 0; i < stride; i++)
                mean[i] = count[i] ? mean[i] / (double)count[i] : NAN;
}

/* HAP_EINPUT: an example that has no roles of heads. */
static int check_example(const struct hap_example *e, struct hap_error *err)
{
        const struct hap_prompt prompt = hap_prompt_of(e, false);

        if (e->whole)
                return hap_fail(err, HAP_EINPUT, "cannot use example '%.200s': its answers have "
                                "several tokens, for which roles are not defined; give the first "
                                "token of each", e->id);
        if (e->n_answers == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use example '%.200s': it has no right "
                                "answers", e->id);
        if (hap_attention_is_long(&prompt))
                return hap_fail(err, HAP_EINPUT, "cannot use example '%.200s': it has %d tokens, "
                                "and patterns of attention are kept up to %d; give shorter prompts",
                                e->id, e->n_tokens, hap_long_prompts.length);
        return HAP_OK;
}

int hap_head_values_observe(struct hap_head_values *v, const struct hap_engine *engine,
                            const struct hap_prompts *prompts, struct hap_error *err)
{
        struct observation o = {.v = v, .prompts = prompts};
        int rc = HAP_OK;

        *v = (struct hap_head_values){0};
        for (size_t i = 0; i < prompts->n; i++)
                if ((rc = check_example(prompts->examples + i, err)) < 0)
                        return rc;
        rc = reserve(v, engine, prompts, err);
        if (rc == 0)
                rc = hap_parallel(engine, prompts->batches.n, observe_batch, observed_piece, &o,
                                  err);
        if (rc == 0)
                average(v->values, v->n, v->stride, v->mean, v->examples);
        else
                hap_head_values_release(v);
        return rc;
}

/* --- masked runs --- */

/* The heads' direct effects on the batch's i-th example: [n_heads], added to. out: room for a
 * vector. */
static void masked_effects(const struct observation *o, const struct hap_scratch *scratch,
                           const struct hap_batch *batch, const struct hap_masked *run, int i,
                           const float *directions, float *out, double *effects)
{
        const int d = scratch->engine->model->config.d_model;
        const int n = batch->prompts[i]->n_answer_positions;

        for (int k = 0; k < n; k++)
                for (int h = 0; h < o->v->n_heads; h++) {
                        hap_masked_output(scratch, batch, run, i, k,
                                          hap_head_of(&scratch->engine->graph, h), out);
                        effects[h] += dot(d, out, directions + (size_t)k * (size_t)d) / n;
                }
}

static int masked_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct observation *o = context;
        const size_t begin = o->prompts->batches.start[b];
        const size_t n = o->prompts->batches.start[b + 1] - begin;
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const float *z[HAP_BATCH_PROMPTS];
        struct hap_masked run = {.z = z};
        struct hap_batch batch;
        float *out = hap_scratch_alloc(scratch, d, sizeof *out);
        int rc = out ? HAP_OK : scratch->error.code;

        for (size_t i = 0; i < n; i++)
                z[i] = o->z;
        if (rc == 0)
                rc = hap_batch_init(&batch, scratch, o->prompts->pointers + begin, (int)n, true);
        if (rc == 0)
                rc = hap_masked_forward(scratch, &batch, &run);
        for (size_t i = 0; i < n && rc == 0; i++)
                masked_effects(o, scratch, &batch, &run, (int)i,
                               o->v->direction + o->v->start[begin + i] * d, out,
                               o->effects + (begin + i) * (size_t)o->v->n_heads);
        return rc;
}

static bool masked_piece(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct observation *o = context;
        const size_t *start = o->prompts->batches.start + b, n = (size_t)o->v->n_heads;

        *piece = (struct hap_piece){o->effects + start[0] * n,
                                    (start[1] - start[0]) * n * sizeof *o->effects};
        return k == 0;
}

int hap_head_values_masked(const struct hap_head_values *v, const struct hap_engine *engine,
                           const struct hap_prompts *prompts, const float *z, double *effect,
                           struct hap_error *err)
{
        struct observation o = {.v = (struct hap_head_values *)v, .prompts = prompts, .z = z};
        size_t *count = calloc((size_t)v->n_heads, sizeof *count);
        int rc;

        o.effects = calloc(v->n * (size_t)v->n_heads, sizeof *o.effects);
        rc = count && o.effects
                     ? hap_parallel(engine, prompts->batches.n, masked_batch, masked_piece, &o,
                                    err)
                     : hap_fail_memory(err, "values of heads");
        if (rc == 0)
                average(o.effects, v->n, (size_t)v->n_heads, effect, count);
        free(count);
        free(o.effects);
        return rc;
}
