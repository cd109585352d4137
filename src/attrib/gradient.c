#include "attrib/gradient_batch.h"

#include <math.h>
#include <string.h>

#include "forward/blas.h"
#include "forward/distribution.h"
#include "forward/relay.h"
#include "forward/span.h"

/* --- runs --- */

int hap_gradient_loss(struct hap_gradient_batch *s, const float *logits, float *d_logits)
{
        const size_t n_out = (size_t)s->engine->model->config.n_out;

        for (int i = 0; i < s->batch.n; i++) {
                const size_t at = (size_t)s->batch.answers.start[i] * n_out;

                if (!isfinite(hap_metric_loss(s->attrib->options.metric, s->prompts + i,
                                              s->examples + i, (int)n_out, logits + at,
                                              d_logits + at)))
                        return hap_attrib_not_finite(s->scratch, s->examples + i);
        }
        return HAP_OK;
}

int hap_gradient_back(struct hap_gradient_batch *s, struct hap_full_run *run)
{
        const size_t n_out = (size_t)s->engine->model->config.n_out;
        float *d_logits = hap_scratch_alloc(s->scratch, (size_t)s->batch.answers.n * n_out,
                                        sizeof *d_logits);
        int rc = d_logits ? hap_gradient_loss(s, run->logits, d_logits) : s->scratch->error.code;

        if (rc < 0)
                return rc;
        return hap_full_backward(s->scratch, &s->batch, run, d_logits, s->gradient);
}

int hap_gradient_clean_run(struct hap_gradient_batch *s, bool counted)
{
        /* such a metric has no gradient at the full model */
        const bool compares = s->attrib->options.metric->needs & HAP_NEEDS_FULL_MODEL;
        const size_t n_out = (size_t)s->engine->model->config.n_out;
        struct hap_full_run run = {.outputs = s->outputs, .gradients = counted && !compares,
                                   .rules = s->attrib->options.method->rules,
                                   .bf16 = s->attrib->options.bf16};
        float *log_p = hap_scratch_alloc(s->scratch, (size_t)s->batch.answers.n * n_out,
                                     sizeof *log_p);
        const size_t mark = s->scratch->used;
        int rc = log_p ? hap_full_forward(s->scratch, &s->batch, &run) : s->scratch->error.code;

        if (rc < 0)
                return rc;
        if (compares)
                hap_log_softmax(s->batch.answers.n, (int)n_out, run.logits, log_p, NULL);
        for (int i = 0; i < s->batch.n && compares; i++)
                s->prompts[i].log_p = log_p + (size_t)s->batch.answers.start[i] * n_out;
        if (run.gradients)
                rc = hap_gradient_back(s, &run);
        s->n_runs += counted;
        s->scratch->used = mark;
        return rc;
}

/* A run in which writers [begin, end) have outputs α a + (1 − α) a', counted. */
static int mixed_run(struct hap_gradient_batch *s, int begin, int end, double alpha)
{
        struct hap_full_run run = {
                .override_begin = begin,
                .override_end = end,
                .override_alpha = (float)alpha,
                .override_clean = s->outputs,
                .gradients = true,
                .bf16 = s->attrib->options.bf16,
        };
        const size_t mark = s->scratch->used;
        int rc = hap_full_forward(s->scratch, &s->batch, &run);

        if (rc == 0)
                rc = hap_gradient_back(s, &run);
        s->n_runs++;
        s->scratch->used = mark;
        return rc;
}

int hap_gradient_input_run(struct hap_gradient_batch *s, double alpha)
{
        return mixed_run(s, 0, s->engine->graph.n_inputs, alpha);
}

static int eap_runs(struct hap_gradient_batch *s)
{
        return hap_gradient_clean_run(s, true);
}

static int clean_corrupted_runs(struct hap_gradient_batch *s)
{
        int rc = hap_gradient_clean_run(s, true);

        return rc < 0 ? rc : hap_gradient_input_run(s, 0);
}

static int ig_inputs_runs(struct hap_gradient_batch *s)
{
        const int steps = s->attrib->options.steps;
        int rc = hap_gradient_clean_run(s, false);

        for (int k = 0; k < steps && rc == 0; k++)
                rc = hap_gradient_input_run(s, (double)k / steps);
        return rc;
}

/* The 1 + 2 L groups of writers: the input, a layer's heads, its MLP or experts. */
static int ig_activations_runs(struct hap_gradient_batch *s)
{
        const struct hap_graph *g = &s->engine->graph;
        const int steps = s->attrib->options.steps;
        int rc = hap_gradient_clean_run(s, false);

        for (int k = 1; k <= steps && rc == 0; k++)
                rc = hap_gradient_input_run(s, (double)k / steps);
        for (int l = 0; l < g->n_layers; l++) {
                const int head = hap_graph_head_writer(g, l, 0);
                const int mlp = hap_graph_mlp_writer(g, l);

                for (int k = 1; k <= steps && rc == 0; k++)
                        rc = mixed_run(s, head, mlp, (double)k / steps);
                for (int k = 1; k <= steps && rc == 0; k++)
                        rc = mixed_run(s, mlp, mlp + g->n_mlps, (double)k / steps);
        }
        return rc;
}

/* --- scores --- */

int hap_gradient_subtract(struct hap_gradient_batch *s)
{
        const size_t d = (size_t)s->engine->model->config.d_model;
        const struct hap_rows *rows = &s->batch.rows;
        float *other = hap_scratch_alloc(s->scratch, (size_t)rows->n * d, sizeof *other);

        if (!other)
                return s->scratch->error.code;
        for (int i = 0; i < s->batch.n; i++) {
                const int n = rows->start[i + 1] - rows->start[i];

                for (int w = 0; w < s->engine->graph.n_writers; w++) {
                        float *a = s->outputs +
                                   ((size_t)w * (size_t)rows->n + (size_t)rows->start[i]) * d;

                        hap_counterfactual_read(&s->prompts[i].counterfactual, s->engine,
                                        s->prompts[i].n_tokens, w, rows->first[i], n, 1, other);
                        for (size_t j = 0; j < (size_t)n * d; j++)
                                a[j] = other[j] - a[j];
                }
        }
        return HAP_OK;
}

/* The same for readers [r, r + n_r) and writers [0, n_w); what a reader cannot read is dropped. */
static void multiply(const struct hap_gradient_batch *s, const float *delta, float weight, int r,
                     int n_r, float *product, float *out)
{
        const struct hap_graph *g = &s->engine->graph;
        const int n_w = hap_graph_in(g, r + n_r - 1), d = s->engine->model->config.d_model;
        const int ld = s->batch.rows.n * d;
        struct hap_span span = {0};

        while (hap_span_next(g, &s->batch, &s->batch.rows, NULL, &span)) {
                const size_t from = (size_t)span.begin * (size_t)d;
                float *at = out + (size_t)span.position * g->edges_per_position;

                hap_gemm(false, true, n_r, n_w, (span.end - span.begin) * d, weight,
                         s->gradient + (size_t)r * (size_t)ld + from, ld, delta + from, ld, 0,
                         product, n_w);
                for (int i = 0; i < n_r; i++)
                        hap_add((size_t)hap_graph_in(g, r + i), product + (size_t)i * (size_t)n_w,
                                at + hap_graph_edge(g, 0, r + i));
        }
}

int hap_gradient_multiply(struct hap_gradient_batch *s, const float *delta, float weight,
                          float *out)
{
        const struct hap_graph *g = &s->engine->graph;
        const int per_layer = hap_graph_layer_readers(g);
        const size_t mark = s->scratch->used;
        float *product = hap_scratch_alloc(s->scratch, (size_t)per_layer * (size_t)g->n_writers,
                                    sizeof *product);
        int begin, end;

        if (!product)
                return s->scratch->error.code;
        hap_relay_readers(s->engine, &begin, &end);
        for (int r = begin; r + per_layer <= end; r += per_layer)
                multiply(s, delta, weight, r, per_layer, product, out);
        if (end == g->n_readers)
                multiply(s, delta, weight, hap_graph_logits_reader(g), 1, product, out);
        s->scratch->used = mark;
        return HAP_OK;
}

/* The example whose gradients or differences are to blame, or the first. */
static int find_culprit(const struct hap_gradient_batch *s)
{
        const size_t d = (size_t)s->engine->model->config.d_model;
        const size_t rows = (size_t)s->batch.rows.n;
        int begin, end;

        hap_relay_readers(s->engine, &begin, &end);
        for (int i = 0; i < s->batch.n; i++) {
                const size_t at = (size_t)s->batch.rows.start[i] * d;
                const size_t n = (size_t)s->batch.rows.start[i + 1] * d - at;
                double sum = 0;

                for (size_t w = 0; w < (size_t)s->engine->graph.n_writers; w++)
                        for (size_t j = 0; j < n; j++)
                                sum += fabs((double)s->outputs[w * rows * d + at + j]);
                for (int r = begin; r < end; r++)
                        for (size_t j = 0; j < n; j++)
                                sum += fabs((double)s->gradient[(size_t)r * rows * d + at + j]);
                if (!isfinite(sum))
                        return i;
        }
        return 0;
}

static int check_scores(struct hap_gradient_batch *s, const float *out)
{
        for (size_t e = 0; e < s->attrib->width; e++)
                if (!isfinite(out[e]))
                        return hap_attrib_not_finite(s->scratch, s->examples + find_culprit(s));
        return HAP_OK;
}

/* Function pointers cannot be passed as const void *, a pointer to this can. */
struct gradient_method {
        hap_gradient_score *score;
        hap_gradient_runs *runs; /* if there is no score */
};

static int score_mean(struct hap_gradient_batch *s, hap_gradient_runs *runs, float *out)
{
        int rc = runs(s);

        if (rc == 0)
                rc = hap_gradient_subtract(s);
        return rc < 0 ? rc : hap_gradient_multiply(s, s->outputs, 1.f / (float)s->n_runs, out);
}

static size_t batch_values(const struct hap_gradient_batch *s)
{
        return (size_t)s->batch.rows.n * (size_t)s->engine->model->config.d_model;
}

float *hap_gradient_outputs(struct hap_gradient_batch *s)
{
        return hap_scratch_alloc(s->scratch, (size_t)s->engine->graph.n_writers * batch_values(s),
                                 sizeof(float));
}

void hap_gradient_clear(struct hap_gradient_batch *s)
{
        int begin, end;

        hap_relay_readers(s->engine, &begin, &end);
        memset(s->gradient + (size_t)begin * batch_values(s), 0,
               (size_t)(end - begin) * batch_values(s) * sizeof(float));
}

static int score_gradient_batch(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                                size_t b, struct hap_scratch *scratch, const void *context,
                                float *out)
{
        const struct gradient_method *method = context;
        const struct hap_engine *engine = scratch->engine;
        const size_t begin = prompts->batches.start[b];
        const int n = (int)(prompts->batches.start[b + 1] - begin);
        struct hap_prompt copies[HAP_BATCH_PROMPTS];
        const struct hap_prompt *pointers[HAP_BATCH_PROMPTS];
        struct hap_gradient_batch s = {.attrib = attrib, .scratch = scratch, .engine = engine,
                                       .examples = prompts->examples + begin, .prompts = copies};
        int rc;

        for (int i = 0; i < n; i++) {
                copies[i] = prompts->items[begin + (size_t)i];
                pointers[i] = copies + i;
        }
        rc = hap_batch_init(&s.batch, scratch, pointers, n,
                            !attrib->options.method->whole_prompts);
        if (rc < 0)
                return rc;
        s.outputs = hap_gradient_outputs(&s);
        s.gradient = hap_scratch_alloc(scratch, (size_t)engine->graph.n_readers * batch_values(&s),
                                       sizeof(float));
        if (!s.outputs || !s.gradient)
                return scratch->error.code;
        hap_gradient_clear(&s);
        rc = method->score ? method->score(&s, out) : score_mean(&s, method->runs, out);
        if (rc == 0)
                rc = hap_relay_edges(scratch, out);
        return rc < 0 ? rc : check_scores(&s, out);
}

int hap_gradient_batches(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                         hap_gradient_score *score, struct hap_error *err)
{
        const struct gradient_method method = {.score = score};

        return hap_attrib_batches(attrib, prompts, score_gradient_batch, &method, err);
}

int hap_gradient_scores(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                        hap_gradient_runs *runs, struct hap_error *err)
{
        const struct gradient_method method = {.runs = runs};

        return hap_attrib_batches(attrib, prompts, score_gradient_batch, &method, err);
}

/* --- methods --- */

int hap_method_eap(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err)
{
        return hap_gradient_scores(attrib, prompts, eap_runs, err);
}

int hap_method_eap_ig_inputs(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                             struct hap_error *err)
{
        return hap_gradient_scores(attrib, prompts, ig_inputs_runs, err);
}

int hap_method_clean_corrupted(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                               struct hap_error *err)
{
        return hap_gradient_scores(attrib, prompts, clean_corrupted_runs, err);
}

int hap_method_eap_ig_activations(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                                  struct hap_error *err)
{
        return hap_gradient_scores(attrib, prompts, ig_activations_runs, err);
}
