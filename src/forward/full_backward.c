#include "forward/full_state.h"

#include <string.h>

#include "forward/blas.h"
#include "forward/experts.h"
#include "forward/norm.h"
#include "forward/product.h"
#include "forward/relay.h"

struct backward {
        struct hap_scratch *scratch;
        const struct hap_engine *engine;
        const struct hap_config *config;
        const struct hap_batch *batch;
        const struct hap_full_run *run;
        float *gradient;  /* [readers from first_reader on][rows.n][d_model], added to, or NULL */
        int first_reader;
        float *stream;    /* d loss / d residual stream, [rows.n][d_model]; NULL: not wanted */
};

/* gradient[reader] += g, g at the rows given. */
static void add_reader_gradient(const struct backward *b, const struct hap_rows *rows, int reader,
                    const float *g)
{
        const int d = b->config->d_model, n = b->batch->rows.n;
        float *to = b->gradient == NULL
                            ? NULL : b->gradient + (size_t)(reader - b->first_reader) * n * d;

        if (to == NULL)
                return;
        if (rows == &b->batch->rows)
                hap_add((size_t)n * d, g, to);
        else
                hap_rows_scatter_add(rows, &b->batch->rows, b->batch->n, d, g, to);
}

/* stream += g, g at the rows given. */
static void add_to_stream(const struct backward *b, const struct hap_rows *rows, const float *g)
{
        const int d = b->config->d_model;

        if (b->stream == NULL)
                return;
        if (rows == &b->batch->rows)
                hap_add((size_t)rows->n * d, g, b->stream);
        else
                hap_rows_scatter_add(rows, &b->batch->rows, b->batch->n, d, g, b->stream);
}

/* Readers of one kind of one layer: head by head g = rstd · (dy W), then back
 * through the norm. dy: [rows][n_heads · d_head]. */
static void heads_inputs_backward(const struct backward *b, const struct hap_full_layer *s, int l,
                    int which, float *dy, float *g)
{
        const struct hap_layer *layer = &b->engine->model->layers[l];
        const struct hap_linear *linears[3] = {&layer->q, &layer->k, &layer->v};
        const bool is_q = which == 0;
        const struct hap_rows *rows = is_q ? s->out_rows : &b->batch->rows;
        const float *x = is_q ? s->xq : s->x, *mean = is_q ? s->q_mean : s->mean;
        const float *rstd = is_q ? s->q_rstd : s->rstd;
        const int d = b->config->d_model, dh = b->config->d_head, heads = b->config->n_heads;

        hap_scale_rows(rows->n, heads * dh, rstd, NULL, dy, heads * dh);
        for (int h = 0; h < heads; h++) {
                const int block = which == 0 ? h : s->heads.kv[h];

                hap_product_backward(b->scratch, hap_block_rows(&linears[which]->weight, block * dh,
                                     dh), rows->n, dy + (size_t)h * dh, heads * dh, 0, g, d);
                hap_input_backward(b->config, b->scratch->rules, rows->n, d, x, mean, rstd, g);
                add_reader_gradient(b, rows, hap_graph_head_reader(&b->engine->graph, l, which, h), g);
                add_to_stream(b, rows, g);
        }
}

static int attention_backward(const struct backward *b, const struct hap_full_layer *s,
                              int l, const float *d_out)
{
        const struct hap_layer *layer = &b->engine->model->layers[l];
        const int d = b->config->d_model, nq = b->config->n_heads * b->config->d_head;
        const size_t n_out = (size_t)s->out_rows->n, n = (size_t)b->batch->rows.n;
        const size_t mark = b->scratch->used;
        float *dz = hap_scratch_alloc(b->scratch, n_out * nq, sizeof(*dz));
        float *dq = hap_scratch_alloc(b->scratch, n_out * nq, sizeof(*dq));
        float *dk = hap_scratch_alloc(b->scratch, n * nq, sizeof(*dk));
        float *dv = hap_scratch_alloc(b->scratch, n * nq, sizeof(*dv));
        float *g = hap_scratch_alloc(b->scratch, n * d, sizeof(*g));
        int rc;

        if (b->scratch->error.code < 0)
                return b->scratch->error.code;
        if (s->pre_norm != NULL && !b->scratch->counting) {
                hap_norm_apply_backward(b->config, b->scratch->rules, &layer->attention_post_norm,
                                        s->out_rows->n, d, s->pre_norm, s->pre_norm_mean,
                                        s->pre_norm_rstd, d_out, g);
                d_out = g;
        }
        if (!b->scratch->counting)
                hap_product_backward(b->scratch, hap_block_all(&layer->o.weight), s->out_rows->n,
                                     d_out, d, 0, dz, nq);
        rc = hap_heads_backward(b->scratch, b->batch, &s->heads, dz, dq, dk, dv);
        if (rc < 0)
                return rc;
        if (!b->scratch->counting) {
                heads_inputs_backward(b, s, l, 0, dq, g);
                heads_inputs_backward(b, s, l, 1, dk, g);
                heads_inputs_backward(b, s, l, 2, dv, g);
        }
        b->scratch->used = mark;
        return HAP_OK;
}

/* g = the gradient at the inputs of a layer's MLP or of its experts, which are added for each
 * reader and to the stream. out: d loss / d output; both at out_rows. */
static int mlp_backward(const struct backward *b, const struct hap_full_layer *s, int l,
                        const float *out, float *g)
{
        const struct hap_graph *graph = &b->engine->graph;
        const int reader = hap_graph_mlp_reader(graph, l);
        const size_t size = (size_t)s->out_rows->n * b->config->d_model, mark = b->scratch->used;
        const struct hap_expert_input in = {s->mlp.x, s->mlp.mean, s->mlp.rstd};
        float *part = g;
        int rc = HAP_OK;

        if (graph->n_experts > 0 &&
            (part = hap_scratch_alloc(b->scratch, size, sizeof(*part))) == NULL)
                return b->scratch->error.code;
        for (int i = 0; i < graph->n_mlps && rc == 0; i++) {
                rc = graph->n_experts > 0
                             ? hap_expert_backward(b->scratch, &s->mlp, i, &in, out, part)
                             : hap_mlp_backward(b->scratch, &s->mlp, out, part);
                if (rc < 0 || b->scratch->counting)
                        continue;
                add_reader_gradient(b, s->out_rows, reader + i, part);
                add_to_stream(b, s->out_rows, part);
                if (part != g)
                        hap_add(size, part, g);
        }
        b->scratch->used = mark;
        return rc;
}

/* Backward of one layer: turns the stream from the gradient after the layer, at out_rows,
 * into the gradient before the layer, at all rows. */
static int layer_backward(struct backward *b, const struct hap_full_layer *s, int l)
{
        const struct hap_graph *graph = &b->engine->graph;
        const int d = b->config->d_model, heads = b->config->n_heads;
        const int first = hap_graph_head_writer(graph, l, 0), mlp = hap_graph_mlp_writer(graph, l);
        const size_t size = (size_t)s->out_rows->n * d, mark = b->scratch->used;
        float *out = hap_scratch_alloc(b->scratch, size, sizeof(*out)); /* d loss / d output */
        float *g = hap_scratch_alloc(b->scratch, size, sizeof(*g));
        int rc = 0;

        if (out == NULL || g == NULL)
                return b->scratch->error.code;
        if (!b->scratch->counting) {
                hap_rows_gather(&b->batch->rows, s->out_rows, b->batch->n, d, b->stream, out);
                memset(g, 0, size * sizeof(*g));
        }
        if (!hap_full_run_overrides(b->run, mlp, mlp + graph->n_mlps)) {
                rc = mlp_backward(b, s, l, out, g);
                if (rc < 0)
                        return rc;
                if (!b->config->parallel_residual && !b->scratch->counting)
                        hap_add(size, g, out);
        }
        if (!hap_full_run_overrides(b->run, first, first + heads))
                rc = attention_backward(b, s, l, out);
        b->scratch->used = mark;
        return rc;
}

/* The stream's gradient from that of the logits; g: [answers.n][d_model], scratch. */
static int logits_backward(const struct backward *b, const float *d_logits, float *g)
{
        const size_t size = (size_t)b->batch->rows.n * (size_t)b->config->d_model;
        const int rc = hap_unembed_backward(b->scratch, &b->run->state->unembed, d_logits, g);

        if (rc < 0 || b->scratch->counting)
                return rc;
        memset(b->stream, 0, size * sizeof(*b->stream));
        add_reader_gradient(b, &b->batch->answers, hap_graph_logits_reader(&b->engine->graph), g);
        add_to_stream(b, &b->batch->answers, g);
        return HAP_OK;
}

static int run_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                        struct hap_full_run *run, const float *d_logits, float *gradient)
{
        const struct hap_engine *engine = scratch->engine;
        const struct hap_config *config = &engine->model->config;
        const size_t n = (size_t)batch->rows.n, d = (size_t)config->d_model;
        const size_t mark = scratch->used;
        struct backward b = {.scratch = scratch, .engine = engine, .config = config,
                             .batch = batch, .run = run, .gradient = gradient};
        float *g = hap_scratch_alloc(scratch, (size_t)batch->answers.n * d, sizeof(*g));
        struct hap_strided relayed;
        int rc;

        b.stream = hap_scratch_alloc(scratch, n * d, sizeof(*b.stream));
        if (g == NULL || b.stream == NULL)
                return scratch->error.code;
        relayed = hap_contiguous(b.stream, n * d);
        rc = engine->model->layers_after > 0 ? hap_relay_from_after(scratch, relayed)
                                             : logits_backward(&b, d_logits, g);
        for (int l = hap_model_end_layer(engine->model) - 1;
             rc == 0 && l >= hap_model_first_layer(engine->model); l--)
                if (l < run->dropped_begin || l >= run->dropped_end)
                        rc = layer_backward(&b, &run->state->layers[l], l);
        if (rc == 0)
                rc = hap_relay_to_before(scratch, relayed);
        if (rc == 0 && run->d_input != NULL && !scratch->counting)
                memcpy(run->d_input, b.stream, n * d * sizeof(*b.stream));
        scratch->used = mark;
        return rc;
}

int hap_full_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       struct hap_full_run *run, const float *d_logits, float *gradient)
{
        hap_full_run_begin(scratch, run);
        return hap_full_run_end(scratch, run_backward(scratch, batch, run, d_logits, gradient));
}

int hap_full_backward_node(struct hap_scratch *scratch, const struct hap_batch *batch,
                           const struct hap_full_run *run, int layer, bool mlp,
                           const float *d_out, float *gradient)
{
        const struct hap_full_layer *s = &run->state->layers[layer];
        const struct hap_graph *graph = &scratch->engine->graph;
        const size_t size = (size_t)s->out_rows->n * (size_t)scratch->engine->model->config.d_model;
        const size_t mark = scratch->used;
        struct backward b = {.scratch = scratch, .engine = scratch->engine,
                             .config = &scratch->engine->model->config, .batch = batch, .run = run,
                             .gradient = gradient,
                             .first_reader = hap_graph_head_reader(graph, layer, 0, 0)};
        float *out = hap_scratch_alloc(scratch, size, sizeof(*out));
        float *g = hap_scratch_alloc(scratch, size, sizeof(*g));
        int rc = out == NULL || g == NULL ? scratch->error.code : HAP_OK;

        hap_full_run_begin(scratch, run);
        if (rc == 0)
                hap_rows_gather(&batch->rows, s->out_rows, batch->n, b.config->d_model, d_out, out);
        if (rc == 0 && mlp) {
                memset(g, 0, size * sizeof(*g));
                rc = mlp_backward(&b, s, layer, out, g);
        } else if (rc == 0) {
                rc = attention_backward(&b, s, layer, out);
        }
        scratch->used = mark;
        return hap_full_run_end(scratch, rc);
}
