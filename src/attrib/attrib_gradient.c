/* Scores by gradients of plain runs: EAP and its relatives. */
#include <math.h>
#include <string.h>

#include "attrib/attrib.h"
#include "forward/kernels.h"
#include "forward/span.h"

/* A batch on its way. Rows are the batch's tokens, one prompt behind the other;
 * those where a' = a since both prompts are still the same are left out. */
struct scoring {
        const struct hap_attrib *attrib;
        struct hap_scratch *work;
        const struct hap_engine *engine;
        const struct hap_example *examples; /* of the batch */
        struct hap_prompt *prompts;         /* copies, with log_p */
        struct hap_batch batch;
        float *outputs;  /* [n_writers][rows][d]: a, then a' − a */
        float *gradient; /* [n_readers][rows][d]: Σ over runs */
        int n_runs;
};

size_t hap_attrib_bytes(const struct hap_attrib *attrib, const struct hap_prompts *prompts)
{
        const struct hap_engine *engine = attrib->engine;
        const struct hap_config *config = &engine->model->config;
        const struct hap_batches *b = &prompts->batches;
        const bool masked = attrib->options.method == HAP_EXACT ||
                            attrib->options.method == HAP_MASK_GRADIENT;
        size_t floats = 3 * b->max_answers * (size_t)config->n_out + engine->graph.n_edges;

        if (!masked)
                floats += (size_t)(engine->graph.n_writers + engine->graph.n_readers + 1) *
                                  b->max_rows * (size_t)config->d_model +
                          (size_t)(3 * engine->graph.n_heads + 1) *
                                  (size_t)engine->graph.n_writers;
        return floats * sizeof(float) + (1 << 20) +
               hap_scratch_bytes(engine, b->max_rows, b->longest, b->max_answers, masked,
                              attrib->options.method != HAP_EXACT);
}

static int not_finite(struct scoring *s, int i)
{
        return hap_fail(&s->work->error, HAP_EINPUT,
                        "cannot score example '%.200s': its scores are not finite",
                        s->examples[i].id);
}

/* --- runs --- */

/* d_logits of the whole batch; an example whose loss is NaN is named. */
static int loss_gradient(struct scoring *s, const float *logits, float *d_logits)
{
        const size_t n_out = (size_t)s->engine->model->config.n_out;

        for (int i = 0; i < s->batch.n; i++) {
                const size_t at = (size_t)s->batch.answers.start[i] * n_out;

                if (!isfinite(hap_loss(s->attrib->options.metric, s->prompts + i,
                                       s->examples + i, (int)n_out, logits + at,
                                       d_logits + at)))
                        return not_finite(s, i);
        }
        return HAP_OK;
}

/* Adds the gradient of a run that was made with `gradients`. */
static int add_gradient(struct scoring *s, struct hap_full_run *run)
{
        const size_t n_out = (size_t)s->engine->model->config.n_out;
        float *d_logits = hap_scratch_alloc(s->work, (size_t)s->batch.answers.n * n_out,
                                        sizeof *d_logits);
        int rc = d_logits ? loss_gradient(s, run->logits, d_logits) : s->work->error.code;

        if (rc < 0)
                return rc;
        return hap_full_backward(s->work, &s->batch, run, d_logits, s->gradient);
}

/* The clean run: outputs, the full model's log p, and its gradient when the
 * method averages over it. KL has none there. */
static int clean_run(struct scoring *s)
{
        const enum hap_attrib_method method = s->attrib->options.method;
        const bool kl = s->attrib->options.metric == HAP_KL;
        const bool counted = method == HAP_EAP || method == HAP_CLEAN_CORRUPTED;
        const size_t n_out = (size_t)s->engine->model->config.n_out;
        struct hap_full_run run = {.outputs = s->outputs, .gradients = counted && !kl};
        float *log_p = hap_scratch_alloc(s->work, (size_t)s->batch.answers.n * n_out,
                                     sizeof *log_p);
        const size_t mark = s->work->used;
        int rc = log_p ? hap_full_forward(s->work, &s->batch, &run) : s->work->error.code;

        if (rc < 0)
                return rc;
        if (kl)
                hap_log_softmax(s->batch.answers.n, (int)n_out, run.logits, log_p);
        for (int i = 0; i < s->batch.n && kl; i++)
                s->prompts[i].log_p = log_p + (size_t)s->batch.answers.start[i] * n_out;
        if (run.gradients)
                rc = add_gradient(s, &run);
        s->n_runs += counted;
        s->work->used = mark;
        return rc;
}

/* A run in which writers [begin, end) deliver α a + (1 − α) a'. */
static int mixed_run(struct scoring *s, int begin, int end, double alpha)
{
        struct hap_full_run run = {
                .override_begin = begin,
                .override_end = end,
                .override_alpha = (float)alpha,
                .override_clean = s->outputs,
                .gradients = true,
        };
        const size_t mark = s->work->used;
        int rc = hap_full_forward(s->work, &s->batch, &run);

        if (rc == 0)
                rc = add_gradient(s, &run);
        s->n_runs++;
        s->work->used = mark;
        return rc;
}

/* The 1 + 2 L groups of writers: the input, a layer's heads, its MLP. */
static int activation_runs(struct scoring *s)
{
        const struct hap_graph *g = &s->engine->graph;
        const int steps = s->attrib->options.steps;
        int rc = HAP_OK;

        for (int k = 1; k <= steps && rc == 0; k++)
                rc = mixed_run(s, 0, g->n_inputs, (double)k / steps);
        for (int l = 0; l < g->n_layers; l++) {
                const int head = hap_graph_head_writer(g, l, 0);
                const int mlp = hap_graph_mlp_writer(g, l);

                for (int k = 1; k <= steps && rc == 0; k++)
                        rc = mixed_run(s, head, mlp, (double)k / steps);
                for (int k = 1; k <= steps && rc == 0; k++)
                        rc = mixed_run(s, mlp, mlp + 1, (double)k / steps);
        }
        return rc;
}

static int all_runs(struct scoring *s)
{
        const int inputs = s->engine->graph.n_inputs, steps = s->attrib->options.steps;
        int rc = clean_run(s);

        if (rc < 0)
                return rc;
        switch (s->attrib->options.method) {
        case HAP_CLEAN_CORRUPTED:
                return mixed_run(s, 0, inputs, 0);
        case HAP_EAP_IG_INPUTS:
                for (int k = 0; k < steps && rc == 0; k++)
                        rc = mixed_run(s, 0, inputs, (double)k / steps);
                return rc;
        case HAP_EAP_IG_ACTIVATIONS:
                return activation_runs(s);
        default:
                return HAP_OK;
        }
}

/* --- scores --- */

/* outputs = a' − a. */
static int subtract_outputs(struct scoring *s)
{
        const size_t d = (size_t)s->engine->model->config.d_model;
        const struct hap_rows *rows = &s->batch.rows;
        float *other = hap_scratch_alloc(s->work, (size_t)rows->n * d, sizeof *other);

        if (!other)
                return s->work->error.code;
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

/* S[r][w] = 1/runs Σ_k G[r][k] Δ[w][k] for readers [r, r + n_r) and writers
 * [0, n_w), k over rows and dimensions, added to out; what a reader cannot read is
 * dropped. */
static void multiply(const struct scoring *s, int r, int n_r, float *room, float *out)
{
        const struct hap_graph *g = &s->engine->graph;
        const int n_w = hap_graph_in(g, r + n_r - 1), d = s->engine->model->config.d_model;
        const int ld = s->batch.rows.n * d;
        struct hap_span span = {0};

        while (hap_span_next(g, &s->batch, &s->batch.rows, NULL, &span)) {
                const size_t from = (size_t)span.begin * (size_t)d;
                float *at = out + (size_t)span.position * g->edges_per_position;

                hap_gemm(false, true, n_r, n_w, (span.end - span.begin) * d,
                         1.f / (float)s->n_runs, s->gradient + (size_t)r * (size_t)ld + from, ld,
                         s->outputs + from, ld, 0, room, n_w);
                for (int i = 0; i < n_r; i++)
                        hap_add((size_t)hap_graph_in(g, r + i), room + (size_t)i * (size_t)n_w,
                                at + hap_graph_edge(g, 0, r + i));
        }
}

static int multiply_all(struct scoring *s, float *out)
{
        const struct hap_graph *g = &s->engine->graph;
        const int per_layer = 3 * g->n_heads + 1;
        float *room = hap_scratch_alloc(s->work, (size_t)per_layer * (size_t)g->n_writers,
                                    sizeof *room);

        if (!room)
                return s->work->error.code;
        memset(out, 0, g->n_edges * sizeof *out);
        for (int l = 0; l < g->n_layers; l++)
                multiply(s, l * per_layer, per_layer, room, out);
        multiply(s, hap_graph_logits_reader(g), 1, room, out);
        return HAP_OK;
}

/* The example whose gradients or differences are to blame, or the first. */
static int find_culprit(const struct scoring *s)
{
        const size_t d = (size_t)s->engine->model->config.d_model;
        const size_t rows = (size_t)s->batch.rows.n;

        for (int i = 0; i < s->batch.n; i++) {
                const size_t at = (size_t)s->batch.rows.start[i] * d;
                const size_t n = (size_t)s->batch.rows.start[i + 1] * d - at;
                double sum = 0;

                for (size_t w = 0; w < (size_t)s->engine->graph.n_writers; w++)
                        for (size_t j = 0; j < n; j++)
                                sum += fabs((double)s->outputs[w * rows * d + at + j]);
                for (size_t r = 0; r < (size_t)s->engine->graph.n_readers; r++)
                        for (size_t j = 0; j < n; j++)
                                sum += fabs((double)s->gradient[r * rows * d + at + j]);
                if (!isfinite(sum))
                        return i;
        }
        return 0;
}

static int check_scores(struct scoring *s, const float *out)
{
        for (size_t e = 0; e < s->engine->graph.n_edges; e++)
                if (!isfinite(out[e]))
                        return not_finite(s, find_culprit(s));
        return HAP_OK;
}

int hap_attrib_by_gradient(void *context, struct hap_scratch *work, size_t b)
{
        const struct hap_attrib_job *job = context;
        const struct hap_prompts *prompts = job->prompts;
        const struct hap_engine *engine = work->engine;
        const size_t begin = prompts->batches.start[b];
        const int n = (int)(prompts->batches.start[b + 1] - begin);
        const struct hap_graph *g = &engine->graph;
        struct hap_prompt copies[HAP_BATCH_PROMPTS];
        const struct hap_prompt *pointers[HAP_BATCH_PROMPTS];
        struct scoring s = {.attrib = job->attrib, .work = work, .engine = engine,
                            .examples = prompts->examples + begin, .prompts = copies};
        float *out = job->out + b * g->n_edges;
        size_t values;
        int rc;

        for (int i = 0; i < n; i++) {
                copies[i] = prompts->items[begin + (size_t)i];
                pointers[i] = copies + i;
        }
        if ((rc = hap_batch_init(&s.batch, work, pointers, n, true)) < 0)
                return rc;
        values = (size_t)s.batch.rows.n * (size_t)engine->model->config.d_model;
        s.outputs = hap_scratch_alloc(work, (size_t)g->n_writers * values, sizeof(float));
        s.gradient = hap_scratch_alloc(work, (size_t)g->n_readers * values, sizeof(float));
        if (!s.outputs || !s.gradient)
                return work->error.code;
        memset(s.gradient, 0, (size_t)g->n_readers * values * sizeof(float));
        if ((rc = all_runs(&s)) < 0 || (rc = subtract_outputs(&s)) < 0 ||
            (rc = multiply_all(&s, out)) < 0)
                return rc;
        return check_scores(&s, out);
}
