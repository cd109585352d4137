#include "forward/full_state.h"

#include <string.h>

#include "forward/blas.h"
#include "forward/embed.h"
#include "forward/experts.h"
#include "forward/norm.h"
#include "forward/product.h"
#include "forward/relay.h"
#include "model/kept.h"

struct full_pass {
        struct hap_scratch *scratch;
        const struct hap_engine *engine;
        const struct hap_config *config;
        const struct hap_batch *batch;
        struct hap_full_run *run;
        struct hap_full_state *state;
};

/* out[row] = α · clean + (1 − α) · a' of an overridden writer. */
static void override(const struct full_pass *p, const struct hap_rows *rows, int writer, float *out)
{
        const struct hap_batch *batch = p->batch;
        const int d = p->config->d_model;
        const float alpha = p->run->override_alpha;
        const float *clean = p->run->override_clean + (size_t)writer * batch->rows.n * d;

        for (int at = 0; at < batch->n; at++) {
                const struct hap_prompt *prompt = batch->prompts[at];
                const int n = rows->start[at + 1] - rows->start[at];
                float *to = out + (size_t)rows->start[at] * d;
                const float *from = clean + (size_t)(batch->rows.start[at] + rows->first[at] -
                                                     batch->rows.first[at]) * d;

                hap_counterfactual_read(&prompt->counterfactual, p->engine, prompt->n_tokens, writer,
                                rows->first[at], n, 1 - alpha, to);
                hap_axpy((size_t)n * d, alpha, from, to);
        }
}

/* Adds a writer's output to the stream, and stores it if outputs are wanted. */
static void add_output(const struct full_pass *p, const struct hap_rows *rows, int writer,
                 const float *out, float *stream)
{
        const int d = p->config->d_model, n = p->batch->rows.n;

        hap_add((size_t)rows->n * d, out, stream);
        if (p->run->outputs == NULL)
                return;
        float *to = p->run->outputs + (size_t)writer * n * d;
        if (rows == &p->batch->rows) {
                memcpy(to, out, (size_t)n * d * sizeof(*to));
                return;
        }
        memset(to, 0, (size_t)n * d * sizeof(*to));
        hap_rows_scatter_add(rows, &p->batch->rows, p->batch->n, d, out, to);
}

/* The input writers: token embedding, and learned positions if the input is split. */
static int embed_inputs(const struct full_pass *p, float *stream)
{
        const struct hap_model *model = p->engine->model;
        const struct hap_rows *rows = &p->batch->rows;
        const int d = p->config->d_model;
        const bool split = p->engine->graph.split_input;
        const size_t mark = p->scratch->used, size = (size_t)rows->n * d;
        float *tokens = hap_scratch_alloc(p->scratch, size, sizeof(*tokens));
        float *positions = hap_scratch_alloc(p->scratch, size, sizeof(*positions));

        if (tokens == NULL || positions == NULL)
                return p->scratch->error.code;
        if (p->scratch->counting) {
                p->scratch->used = mark;
                return HAP_OK;
        }
        memset(positions, 0, size * sizeof(*positions));
        for (int at = 0; at < p->batch->n; at++)
                for (int r = rows->start[at]; r < rows->start[at + 1]; r++) {
                        const int t = rows->first[at] + r - rows->start[at];
                        const int32_t token = p->batch->prompts[at]->tokens[t];

                        hap_embed(model, token, tokens + (size_t)r * d);
                        if (model->position_embedding != NULL)
                                memcpy(positions + (size_t)r * d,
                                       model->position_embedding +
                                               (size_t)hap_rows_position(rows, at, r) * d,
                                       (size_t)d * sizeof(*positions));
                }
        if (hap_full_run_overrides(p->run, 0, 1))
                override(p, rows, 0, tokens);
        if (split && hap_full_run_overrides(p->run, 1, 2))
                override(p, rows, 1, positions);
        memset(stream, 0, size * sizeof(*stream));
        add_output(p, rows, 0, tokens, stream);
        if (split)
                add_output(p, rows, 1, positions, stream);
        else
                hap_add(size, positions, stream);
        p->scratch->used = mark;
        return HAP_OK;
}

/* q at out_rows, k and v at all rows, from the stream x. */
static int project(const struct full_pass *p, struct hap_full_layer *s, int l)
{
        const struct hap_layer *layer = &p->engine->model->layers[l];
        const int d = p->config->d_model, dh = p->config->d_head;
        const int n = p->batch->rows.n, nq = p->config->n_heads * dh;
        const int nk = p->config->n_kv_heads * dh;
        struct hap_heads *h = &s->heads;

        s->mean = hap_scratch_alloc(p->scratch, (size_t)n, sizeof(float));
        s->rstd = hap_scratch_alloc(p->scratch, (size_t)n, sizeof(float));
        if (s->mean == NULL || s->rstd == NULL)
                return p->scratch->error.code;
        s->xq = s->x;
        s->q_mean = s->mean;
        s->q_rstd = s->rstd;
        if (s->answer_rows_only) {
                s->xq = hap_scratch_alloc(p->scratch, (size_t)s->out_rows->n * d, sizeof(float));
                s->q_mean = hap_scratch_alloc(p->scratch, (size_t)s->out_rows->n, sizeof(float));
                s->q_rstd = hap_scratch_alloc(p->scratch, (size_t)s->out_rows->n, sizeof(float));
                if (p->scratch->error.code < 0)
                        return p->scratch->error.code;
        }
        if (p->scratch->counting)
                return HAP_OK;
        hap_input_stats(p->config, n, d, s->x, s->mean, s->rstd);
        if (s->answer_rows_only) {
                hap_rows_gather(&p->batch->rows, s->out_rows, p->batch->n, d, s->x, s->xq);
                hap_input_stats(p->config, s->out_rows->n, d, s->xq, s->q_mean, s->q_rstd);
        }
        hap_product_forward(p->scratch, hap_block_all(&layer->q.weight), s->out_rows->n, s->xq, d,
                            0, h->q, nq);
        hap_scale_rows(s->out_rows->n, nq, s->q_rstd, layer->q.bias, h->q, nq);
        hap_product_forward(p->scratch, hap_block_all(&layer->k.weight), n, s->x, d, 0, h->k, nk);
        hap_scale_rows(n, nk, s->rstd, layer->k.bias, h->k, nk);
        hap_product_forward(p->scratch, hap_block_all(&layer->v.weight), n, s->x, d, 0, h->v, nk);
        hap_scale_rows(n, nk, s->rstd, layer->v.bias, h->v, nk);
        for (int i = 0; i < h->n; i++)
                hap_heads_rotate(p->engine, h, 0, i);
        for (int i = 0; i < h->n_kv; i++)
                hap_heads_rotate(p->engine, h, 1, i);
        hap_heads_rotate_together(p->engine, h, 0);
        hap_heads_rotate_together(p->engine, h, 1);
        return HAP_OK;
}

/* In a model with a post-norm: the sum over heads before it, and its statistics. */
static int attention_pre_norm(const struct full_pass *p, struct hap_full_layer *s, int l)
{
        const struct hap_layer *layer = &p->engine->model->layers[l];
        const int d = p->config->d_model, n = s->out_rows->n;
        const int nq = p->config->n_heads * p->config->d_head;

        s->pre_norm = hap_scratch_alloc(p->scratch, (size_t)n * d, sizeof(float));
        s->pre_norm_mean = hap_scratch_alloc(p->scratch, (size_t)n, sizeof(float));
        s->pre_norm_rstd = hap_scratch_alloc(p->scratch, (size_t)n, sizeof(float));
        if (p->scratch->error.code < 0 || p->scratch->counting)
                return p->scratch->error.code;
        hap_product_forward(p->scratch, hap_block_all(&layer->o.weight), n, s->heads.head_output,
                            nq, 0, s->pre_norm, d);
        hap_norm_stats(p->config, n, d, s->pre_norm, s->pre_norm_mean, s->pre_norm_rstd);
        return HAP_OK;
}

/* stream += every head's output (in a model with a post-norm its share of
 * the normalised sum), and the bias. */
static int attention_out(const struct full_pass *p, struct hap_full_layer *s, int l, float *stream)
{
        const struct hap_layer *layer = &p->engine->model->layers[l];
        const struct hap_graph *graph = &p->engine->graph;
        const int d = p->config->d_model, dh = p->config->d_head, n = s->out_rows->n;
        const int nq = p->config->n_heads * dh, first = hap_graph_head_writer(graph, l, 0);
        const bool fixed = hap_full_run_overrides(p->run, first, first + p->config->n_heads);
        const bool at_once = p->run->outputs == NULL && !fixed && s->pre_norm == NULL;
        const size_t mark = p->scratch->used;
        float *out = NULL;

        if (!at_once && (out = hap_scratch_alloc(p->scratch, (size_t)n * d, sizeof(*out))) == NULL)
                return p->scratch->error.code;
        if (p->scratch->counting) {
                p->scratch->used = mark;
                return HAP_OK;
        }
        for (int i = 0; layer->o.bias != NULL && i < n; i++)
                hap_add((size_t)d, layer->o.bias, stream + (size_t)i * d);
        if (at_once) {
                hap_product_forward(p->scratch, hap_block_all(&layer->o.weight), n,
                                    s->heads.head_output, nq, 1, stream, d);
                return HAP_OK;
        }
        for (int h = 0; h < p->config->n_heads; h++) {
                const float zero_mean[1] = {0};

                if (fixed)
                        override(p, s->out_rows, first + h, out);
                else
                        hap_product_forward(p->scratch, hap_block_columns(&layer->o.weight, h * dh,
                                            dh), n, s->heads.head_output + (size_t)h * dh, nq, 0,
                                            out, d);
                for (int i = 0; !fixed && s->pre_norm != NULL && i < n; i++)
                        hap_norm_apply(&layer->attention_post_norm, 1, d, out + (size_t)i * d,
                                       zero_mean, &s->pre_norm_rstd[i], out + (size_t)i * d);
                add_output(p, s->out_rows, first + h, out, stream);
        }
        p->scratch->used = mark;
        return HAP_OK;
}

static int attend(const struct full_pass *p, struct hap_full_layer *s, int l)
{
        int rc;

        s->heads = (struct hap_heads){
                .layer = l, .n = p->config->n_heads, .head = p->state->head,
                .kv = p->state->kv, .n_kv = p->config->n_kv_heads,
                .q_rows = s->out_rows, .kv_rows = &p->batch->rows,
        };
        rc = hap_heads_alloc(&s->heads, p->scratch, p->batch, p->run->gradients);
        if (rc == 0)
                rc = project(p, s, l);
        if (rc == 0 && !p->scratch->counting)
                hap_heads_attend(p->engine, p->batch, &s->heads, p->run->gradients);
        if (rc == 0 && p->config->attention_post_norm)
                rc = attention_pre_norm(p, s, l);
        return rc;
}

/* Stores the weights of a layer's experts for each prompt. */
static void store_gates(const struct full_pass *p, const struct hap_full_layer *s, int l)
{
        const struct hap_routing *from = &s->mlp.routing;
        const struct hap_rows *rows = s->out_rows;
        const int experts = p->config->n_experts;
        int at = 0;

        for (int e = 0; e < experts; e++, at = 0)
                for (int pair = from->start[e]; pair < from->start[e + 1]; pair++) {
                        const int row = from->row[pair];
                        size_t t;

                        while (row >= rows->start[at + 1])
                                at++;
                        t = (size_t)(rows->first[at] + row - rows->start[at]);
                        p->run->gates[at][((size_t)l * (size_t)p->batch->prompts[at]->n_tokens + t) *
                                                  (size_t)experts + (size_t)e] = from->weight[pair];
                }
}

/* Adds the outputs of the experts, which are nodes. out: room for one. */
static int experts_out(const struct full_pass *p, struct hap_full_layer *s, int l, float *out,
                       float *next)
{
        const int writer = hap_graph_mlp_writer(&p->engine->graph, l), d = p->config->d_model;
        struct hap_mlp *mlp = &s->mlp;
        int rc = hap_mlp_alloc(p->scratch, mlp, p->run->gradients);
        const struct hap_expert_input in = {mlp->x, mlp->mean, mlp->rstd};

        if (rc == 0 && !p->scratch->counting)
                hap_input_stats(p->config, mlp->rows, d, mlp->x, mlp->mean, mlp->rstd);
        if (rc == 0)
                rc = hap_experts_choose(p->scratch, mlp, p->batch, s->out_rows, false);
        if (rc == 0 && p->run->gates != NULL && !p->scratch->counting)
                store_gates(p, s, l);
        for (int e = 0; e < p->config->n_experts && rc == 0; e++) {
                if (!p->scratch->counting)
                        memset(out, 0, (size_t)mlp->rows * d * sizeof(*out));
                rc = hap_expert_forward(p->scratch, mlp, e, &in, p->run->gradients, out);
                if (rc == 0 && !p->scratch->counting)
                        add_output(p, s->out_rows, writer + e, out, next);
        }
        return rc;
}

/* next += the output of the MLP, or of each expert. */
static int mlp_out(const struct full_pass *p, struct hap_full_layer *s, int l, float *next)
{
        const struct hap_graph *graph = &p->engine->graph;
        const int writer = hap_graph_mlp_writer(graph, l);
        const size_t size = (size_t)s->out_rows->n * p->config->d_model;
        float *out = hap_scratch_alloc(p->scratch, size, sizeof(*out));
        int rc = out == NULL ? p->scratch->error.code : HAP_OK;

        if (rc == 0 && hap_full_run_overrides(p->run, writer, writer + graph->n_mlps)) {
                for (int i = 0; i < graph->n_mlps && !p->scratch->counting; i++) {
                        override(p, s->out_rows, writer + i, out);
                        add_output(p, s->out_rows, writer + i, out, next);
                }
                return HAP_OK;
        }
        if (rc == 0 && graph->n_experts > 0)
                return experts_out(p, s, l, out, next);
        if (rc == 0)
                rc = hap_mlp_forward(p->scratch, &s->mlp, p->run->gradients, out);
        if (rc == 0 && !p->scratch->counting)
                add_output(p, s->out_rows, writer, out, next);
        return rc;
}

/* One layer: from the stream s->x to `next`, which has the rows out_rows;
 * `between` is room for the stream before the MLP, kept for backward. */
static int layer_forward(const struct full_pass *p, struct hap_full_layer *s, int l,
                         float *between, float *next)
{
        const size_t size = (size_t)s->out_rows->n * p->config->d_model;
        const size_t mark = p->scratch->used;
        int rc = attend(p, s, l);

        if (rc < 0)
                return rc;
        if (!p->scratch->counting)
                memcpy(between, s->xq, size * sizeof(*between));
        rc = attention_out(p, s, l, between);
        if (rc < 0)
                return rc;
        s->mlp = (struct hap_mlp){.layer = l, .rows = s->out_rows->n,
                                  .x = p->config->parallel_residual ? s->xq : between};
        if (!p->scratch->counting)
                memcpy(next, between, size * sizeof(*next));
        rc = mlp_out(p, s, l, next);
        if (!p->run->gradients)
                p->scratch->used = mark;
        return rc;
}

static int begin_full_run(struct full_pass *p)
{
        const struct hap_config *config = p->config;
        struct hap_scratch *scratch = p->scratch;
        struct hap_full_state *state = hap_scratch_alloc(scratch, 1, sizeof(*state));

        if (state == NULL)
                return scratch->error.code;
        *state = (struct hap_full_state){0};
        state->layers = hap_scratch_alloc(scratch, (size_t)config->n_layers, sizeof(*state->layers));
        state->head = hap_scratch_alloc(scratch, (size_t)config->n_heads, sizeof(int));
        state->kv = hap_scratch_alloc(scratch, (size_t)config->n_heads, sizeof(int));
        if (scratch->error.code < 0)
                return scratch->error.code;
        memset(state->layers, 0, (size_t)config->n_layers * sizeof(*state->layers));
        for (int h = 0; h < config->n_heads; h++) {
                state->head[h] = h;
                state->kv[h] = h / (config->n_heads / config->n_kv_heads);
        }
        p->state = p->run->state = state;
        return HAP_OK;
}

/* logits from the stream x at `rows`. */
static int full_run_logits(const struct full_pass *p, const struct hap_rows *rows, float *x)
{
        const struct hap_rows *answers = &p->batch->answers;
        const int d = p->config->d_model;
        struct hap_unembed *unembed = &p->state->unembed;
        int rc;

        unembed->rows = answers->n;
        unembed->x = x;
        if (rows != answers) {
                float *at = hap_scratch_alloc(p->scratch, (size_t)answers->n * d, sizeof(*at));

                if (at == NULL)
                        return p->scratch->error.code;
                if (!p->scratch->counting)
                        hap_rows_gather(rows, answers, p->batch->n, d, x, at);
                unembed->x = at;
        }
        rc = hap_unembed_forward(p->scratch, unembed);
        p->run->logits = unembed->logits;
        return rc;
}

/* What other ranks computed, if they hold layers: logits and outputs. */
static int complete(const struct full_pass *p)
{
        const struct hap_config *config = p->config;
        const size_t n = (size_t)p->batch->answers.n * config->n_out;
        int rc;

        if (p->engine->model->layers_after > 0)
                p->run->logits = hap_scratch_alloc(p->scratch, n, sizeof(float));
        if (p->run->logits == NULL)
                return p->scratch->error.code;
        rc = hap_relay_logits(p->scratch, p->run->logits, n);
        return rc < 0 ? rc : hap_relay_outputs(p->scratch, p->run->outputs,
                                               (size_t)p->batch->rows.n * config->d_model);
}

static int run_forward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       struct hap_full_run *run)
{
        struct full_pass p = {.scratch = scratch, .engine = scratch->engine,
                          .config = &scratch->engine->model->config, .batch = batch, .run = run};
        const int layers = p.config->n_layers, end = hap_model_end_layer(p.engine->model);
        const int begin = hap_model_first_layer(p.engine->model);
        const size_t size = (size_t)batch->rows.n * p.config->d_model;
        const struct hap_rows *rows = &batch->rows;
        float *room[3] = {NULL}; /* without gradients: x, between, next in rotation */
        float *x;
        int rc = begin_full_run(&p);

        for (int i = 0; i < 3 && !run->gradients; i++)
                room[i] = hap_scratch_alloc(scratch, size, sizeof(float));
        x = run->gradients ? hap_scratch_alloc(scratch, size, sizeof(*x)) : room[0];
        if (rc < 0 || x == NULL || scratch->error.code < 0)
                return scratch->error.code;
        rc = begin == 0 ? embed_inputs(&p, x)
                        : hap_relay_from_before(scratch, hap_contiguous(x, size));
        for (int l = begin; rc == 0 && l < end; l++) {
                struct hap_full_layer *s = &p.state->layers[l];
                float *between = room[(2 * (l - begin) + 1) % 3];
                float *next = room[(2 * (l - begin) + 2) % 3];

                if (run->gradients) {
                        between = hap_scratch_alloc(scratch, size, sizeof(*x));
                        next = hap_scratch_alloc(scratch, size, sizeof(*x));
                }
                s->answer_rows_only = batch->answer_rows_only && l == layers - 1;
                s->out_rows = rows = s->answer_rows_only ? &batch->answers : &batch->rows;
                s->x = x;
                rc = next == NULL || between == NULL ? scratch->error.code
                                                     : layer_forward(&p, s, l, between, next);
                x = next;
        }
        p.state->last = x;
        if (rc == 0)
                rc = end < layers ? hap_relay_to_after(scratch, hap_contiguous(x, size))
                                  : full_run_logits(&p, rows, x);
        return rc < 0 ? rc : complete(&p);
}

int hap_full_forward(struct hap_scratch *scratch, const struct hap_batch *batch,
                      struct hap_full_run *run)
{
        hap_full_run_begin(scratch, run);
        return hap_full_run_end(scratch, run_forward(scratch, batch, run));
}
