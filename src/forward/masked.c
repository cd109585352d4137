#include "forward/masked_state.h"

#include <string.h>

#include "forward/blas.h"
#include "forward/embed.h"
#include "forward/experts.h"
#include "forward/norm.h"
#include "forward/product.h"
#include "forward/remake.h"
#include "model/kept.h"

/* Slot 0 = R' at a point of the residual stream. */
static void load_residual(const struct hap_masked_pass *m, int point)
{
        const size_t d = (size_t)m->config->d_model;

        for (int at = 0; at < m->batch->n; at++) {
                const struct hap_prompt *prompt = m->batch->prompts[at];
                const int n = m->rows->start[at + 1] - m->rows->start[at];

                memcpy(m->stream + (size_t)m->rows->start[at] * d,
                       prompt->residual + ((size_t)point * (prompt->n_tokens - prompt->first) +
                                           m->rows->first[at] - prompt->first) * d,
                       (size_t)n * d * sizeof(float));
        }
}

/* out = −a' of a writer, at the rows of the stream. */
static void load_negative(const struct hap_masked_pass *m, int writer, float *out)
{
        const size_t d = (size_t)m->config->d_model;

        for (int at = 0; at < m->batch->n; at++) {
                const struct hap_prompt *prompt = m->batch->prompts[at];

                hap_counterfactual_read(m->counterfactual + at, m->engine, prompt->n_tokens, writer,
                                m->rows->first[at],
                                m->rows->start[at + 1] - m->rows->start[at], -1,
                                out + (size_t)m->rows->start[at] * d);
        }
}

/* Deltas of the input writers. */
static int embed_deltas(const struct hap_masked_pass *m)
{
        const struct hap_model *model = m->engine->model;
        const int d = m->config->d_model;
        const size_t mark = m->scratch->used;
        float *embedding = hap_scratch_alloc(m->scratch, (size_t)d, sizeof(*embedding));

        if (embedding == NULL || m->scratch->counting) {
                m->scratch->used = mark;
                return m->scratch->error.code;
        }
        for (int w = 0; w < m->graph->n_inputs; w++) {
                const int slot = m->state->plan.slot[w];
                float *delta = hap_delta(m->stream, hap_pass_stride(m), slot);

                if (slot < 0)
                        continue;
                load_negative(m, w, delta);
                for (int at = 0; at < m->batch->n; at++)
                        for (int r = m->rows->start[at]; r < m->rows->start[at + 1]; r++) {
                                const int t = m->rows->first[at] + r - m->rows->start[at];
                                const int32_t token = m->batch->prompts[at]->tokens[t];

                                if (w == 0)
                                        hap_embed(model, token, embedding);
                                hap_add((size_t)d,
                                        w == 0 ? embedding
                                               : model->position_embedding +
                                                         (size_t)hap_rows_position(m->rows, at, r) * d,
                                        delta + (size_t)r * d);
                        }
        }
        m->scratch->used = mark;
        return HAP_OK;
}

/* In a model with a post-norm: the sum over heads before it, and its statistics. */
static int attention_pre_norm(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        const struct hap_layer *layer = &m->engine->model->layers[l];
        const int d = m->config->d_model, n = m->rows->n, ld = s->n * m->config->d_head;

        s->pre_norm = hap_scratch_alloc(m->scratch, hap_slot_size(m), sizeof(float));
        s->pre_norm_mean = hap_scratch_alloc(m->scratch, (size_t)n, sizeof(float));
        s->pre_norm_rstd = hap_scratch_alloc(m->scratch, (size_t)n, sizeof(float));
        if (m->scratch->error.code < 0 || m->scratch->counting)
                return m->scratch->error.code;
        hap_product_forward(m->scratch, hap_block_columns(&layer->o.weight, 0, ld), n,
                            s->heads.head_output, ld, 0, s->pre_norm, d);
        hap_norm_stats(m->config, n, d, s->pre_norm, s->pre_norm_mean, s->pre_norm_rstd);
        return HAP_OK;
}

/* Deltas of the active heads: Δ = head_output Wo − a'. In a model with a post-norm a
 * head's part is its share of the normalised sum. */
static int head_deltas(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        const struct hap_layer *layer = &m->engine->model->layers[l];
        const int d = m->config->d_model, dh = m->config->d_head, n = m->rows->n;
        const float zero = 0;
        float *out;

        if (m->scratch->counting) /* only a post-norm needs memory here */
                return s->pre_norm == NULL ||
                       hap_scratch_alloc(m->scratch, hap_slot_size(m), sizeof(*out))
                               ? HAP_OK : m->scratch->error.code;
        if (s->pre_norm == NULL) {
                for (int i = 0; i < s->n; i++) {
                        const int writer = hap_graph_head_writer(m->graph, l, s->head[i]);
                        float *delta = hap_delta(m->stream, hap_pass_stride(m),
                                                 m->state->plan.slot[writer]);

                        load_negative(m, writer, delta);
                        hap_product_forward(m->scratch, hap_block_columns(&layer->o.weight,
                                            s->head[i] * dh, dh), n,
                                            s->heads.head_output + (size_t)i * dh, s->n * dh, 1,
                                            delta, d);
                }
                return HAP_OK;
        }
        out = hap_scratch_alloc(m->scratch, hap_slot_size(m), sizeof(*out));
        if (out == NULL)
                return m->scratch->error.code;
        for (int i = 0; i < s->n; i++) {
                const int writer = hap_graph_head_writer(m->graph, l, s->head[i]);
                float *delta = hap_delta(m->stream, hap_pass_stride(m), m->state->plan.slot[writer]);

                load_negative(m, writer, delta);
                hap_product_forward(m->scratch, hap_block_columns(&layer->o.weight, s->head[i] * dh,
                                    dh), n, s->heads.head_output + (size_t)i * dh, s->n * dh, 0,
                                    out, d);
                for (int r = 0; r < n; r++)
                        hap_norm_apply(&layer->attention_post_norm, 1, d, out + (size_t)r * d,
                                       &zero, &s->pre_norm_rstd[r], out + (size_t)r * d);
                hap_add(hap_slot_size(m), out, delta);
        }
        return HAP_OK;
}

/* Adds the deltas of the layer's own heads to the input of a reader of its MLP. */
static void add_head_deltas(const struct hap_masked_pass *m, const struct hap_masked_layer *s,
                            int l, int reader, float *x)
{
        const size_t d = (size_t)m->config->d_model;

        for (int i = 0; i < s->n; i++) {
                const int writer = hap_graph_head_writer(m->graph, l, s->head[i]);
                const size_t edge = hap_graph_edge(m->graph, writer, reader);
                const float *delta = hap_delta(m->stream, hap_pass_stride(m), m->state->plan.slot[writer]);
                struct hap_span span = {0};

                while (hap_span_next(m->graph, m->batch, m->rows, m->run->z, &span)) {
                        const size_t from = (size_t)span.begin * d;

                        if (span.z[edge] != 0)
                                hap_axpy((size_t)span.end * d - from, span.z[edge], delta + from,
                                         x + from);
                }
        }
}

/* Completes the inputs of the MLP's nodes, which already have the mixture of earlier layers:
 * replaces R' before the attention with R' after it, and adds the layer's own heads. */
static void mlp_inputs(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        const int reader = hap_graph_mlp_reader(m->graph, l);

        if (m->config->parallel_residual)
                return;
        for (int i = 0; i < s->n_mlps; i++)
                hap_axpy(hap_slot_size(m), -1, m->stream, s->mlp_input[i].x);
        load_residual(m, 2 * l + 1);
        for (int i = 0; i < s->n_mlps; i++) {
                hap_add(hap_slot_size(m), m->stream, s->mlp_input[i].x);
                if (m->state->plan.mixed[reader + s->mlp_node[i]])
                        add_head_deltas(m, s, l, reader + s->mlp_node[i], s->mlp_input[i].x);
        }
}

/* Deltas of the active experts: the frozen weights choose the rows that each computes. */
static int experts_forward(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        const size_t mark = m->scratch->used;
        const int d = m->config->d_model, n = m->rows->n;
        int rc;

        s->mlp = (struct hap_mlp){.layer = l, .rows = n};
        rc = hap_mlp_alloc(m->scratch, &s->mlp, m->gradients);
        if (rc == 0)
                rc = hap_experts_choose(m->scratch, &s->mlp, m->batch, m->rows, true);
        if (rc == 0 && !m->scratch->counting)
                mlp_inputs(m, s, l);
        for (int i = 0; i < s->n_mlps && rc == 0; i++) {
                const struct hap_input *from = &s->mlp_input[i];
                const struct hap_expert_input in = {from->x, from->mean, from->rstd};
                const int writer = hap_graph_mlp_writer(m->graph, l) + s->mlp_node[i];
                float *delta = hap_delta(m->stream, hap_pass_stride(m), m->state->plan.slot[writer]);

                if (!m->scratch->counting) {
                        hap_input_stats(m->config, n, d, from->x, from->mean, from->rstd);
                        load_negative(m, writer, delta);
                }
                rc = hap_expert_forward(m->scratch, &s->mlp, s->mlp_node[i], &in, m->gradients,
                                        delta);
        }
        if (!m->gradients)
                m->scratch->used = mark;
        return rc;
}

static int mlp_forward(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        const int writer = hap_graph_mlp_writer(m->graph, l);
        float *delta = hap_delta(m->stream, hap_pass_stride(m), m->state->plan.slot[writer]);
        const size_t mark = m->scratch->used;
        float *negative = hap_scratch_alloc(m->scratch, hap_slot_size(m), sizeof(*negative));
        int rc;

        if (negative == NULL)
                return m->scratch->error.code;
        if (!m->scratch->counting) {
                load_negative(m, writer, negative);
                mlp_inputs(m, s, l);
        }
        s->mlp = (struct hap_mlp){.layer = l, .rows = m->rows->n, .x = s->mlp_input->x};
        rc = hap_mlp_forward(m->scratch, &s->mlp, m->gradients, delta);
        if (!m->scratch->counting)
                hap_add(hap_slot_size(m), negative, delta);
        if (!m->gradients)
                m->scratch->used = mark;
        return rc;
}

/* The active nodes of a layer's MLP. */
static int list_active_mlps(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        const size_t nodes = (size_t)m->graph->n_mlps;

        s->mlp_node = hap_scratch_alloc(m->scratch, nodes, sizeof(int));
        s->mlp_input = hap_scratch_alloc(m->scratch, nodes, sizeof(*s->mlp_input));
        if (m->scratch->error.code < 0)
                return m->scratch->error.code;
        memset(s->mlp_input, 0, nodes * sizeof(*s->mlp_input));
        for (int i = 0; i < m->graph->n_mlps; i++)
                if (m->state->plan.active[hap_graph_mlp_writer(m->graph, l) + i])
                        s->mlp_node[s->n_mlps++] = i;
        return HAP_OK;
}

/* The active heads of a layer. */
static int list_active_heads(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        const struct hap_plan *plan = &m->state->plan;
        const size_t heads = (size_t)m->graph->n_heads;

        s->slots = plan->slots_before[hap_graph_head_writer(m->graph, l, 0)];
        s->head = hap_scratch_alloc(m->scratch, heads, sizeof(int));
        s->kv = hap_scratch_alloc(m->scratch, heads, sizeof(int));
        for (int which = 0; which < 3; which++) {
                s->input[which] = hap_scratch_alloc(m->scratch, heads, sizeof(*s->input[which]));
                if (s->input[which] == NULL)
                        return m->scratch->error.code;
                memset(s->input[which], 0, heads * sizeof(*s->input[which]));
        }
        for (int h = 0; h < m->graph->n_heads; h++) {
                if (!plan->active[hap_graph_head_writer(m->graph, l, h)])
                        continue;
                s->kv[s->n] = s->n;
                s->head[s->n++] = h;
        }
        return m->scratch->error.code;
}

static int layer_forward(struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        int rc = list_active_heads(m, s, l);

        if (rc == 0)
                rc = list_active_mlps(m, s, l);
        s->answer_rows_only = l == m->config->n_layers - 1;
        s->out_rows = s->answer_rows_only ? &m->batch->answers : &m->batch->rows;
        if (rc < 0)
                return rc;
        if (!m->scratch->counting)
                load_residual(m, 2 * l);
        s->heads = (struct hap_heads){.layer = l, .n = s->n, .head = s->head, .kv = s->kv,
                                      .n_kv = s->n, .q_rows = s->out_rows,
                                      .kv_rows = &m->batch->rows};
        rc = hap_heads_alloc(&s->heads, m->scratch, m->batch, m->gradients);
        if (rc == 0)
                rc = hap_masked_inputs(m, s, l);
        if (rc < 0)
                return rc;
        if (s->n > 0) {
                if (!m->scratch->counting)
                        hap_heads_attend(m->engine, m->batch, &s->heads, m->gradients);
                if (m->config->attention_post_norm)
                        rc = attention_pre_norm(m, s, l);
                if (rc == 0)
                        rc = head_deltas(m, s, l);
        }
        if (rc < 0 || s->n_mlps == 0)
                return rc;
        return m->graph->n_experts > 0 ? experts_forward(m, s, l) : mlp_forward(m, s, l);
}

/* The logits' input and the logits. */
static int masked_logits(struct hap_masked_pass *m)
{
        const int reader = hap_graph_logits_reader(m->graph);
        struct hap_masked_state *state = m->state;
        struct hap_mix job = {.plan = &state->plan, .batch = m->batch, .rows = m->rows,
                              .z = m->run->z, .n = 1, .reader = &reader,
                              .slots = state->plan.n_slots, .stream = m->stream};
        float *x = hap_scratch_alloc(m->scratch, hap_slot_size(m), sizeof(*x));
        int rc;

        if (x == NULL)
                return m->scratch->error.code;
        if (!m->scratch->counting)
                load_residual(m, 2 * m->config->n_layers);
        rc = hap_mix_forward(m->scratch, &job, x);
        if (rc < 0)
                return rc;
        state->unembed = (struct hap_unembed){.rows = m->rows->n, .x = x};
        rc = hap_unembed_forward(m->scratch, &state->unembed);
        m->run->logits = state->unembed.logits;
        return rc;
}

/* In the stream they follow R'. */
static struct hap_strided deltas_before(const struct hap_masked_pass *m, int layer)
{
        return hap_deltas_before(hap_delta(m->stream, hap_pass_stride(m), 0), m->state, m->graph,
                                 m->batch, m->config->d_model, layer);
}

/* The logits, which the last rank has if ranks hold layers. */
static int end_masked_run(struct hap_masked_pass *m)
{
        const size_t n = (size_t)m->batch->answers.n * m->config->n_out;
        const int end = hap_model_end_layer(m->engine->model);
        int rc;

        if (end == m->config->n_layers) {
                rc = masked_logits(m);
        } else {
                rc = hap_relay_to_after(m->scratch, deltas_before(m, end));
                if (rc == 0)
                        m->run->logits = hap_scratch_alloc(m->scratch, n, sizeof(float));
        }
        if (rc < 0 || m->run->logits == NULL)
                return m->scratch->error.code;
        return hap_relay_logits(m->scratch, m->run->logits, n);
}

static int begin_masked_run(struct hap_masked_pass *m)
{
        const size_t d = (size_t)m->config->d_model, layers = (size_t)m->config->n_layers;
        struct hap_masked_state *state = hap_scratch_alloc(m->scratch, 1, sizeof(*state));
        size_t slots;
        int rc;

        if (state == NULL)
                return m->scratch->error.code;
        *state = (struct hap_masked_state){0};
        m->state = m->run->state = state;
        rc = hap_plan_make(&state->plan, m->scratch, m->batch->n, m->run->z, m->run->wanted,
                           m->run->d_counterfactual != NULL, m->batch->prompts[0]->counterfactual.ablation);
        if (rc < 0)
                return rc;
        slots = 1 + (size_t)state->plan.n_slots;
        state->layers = hap_scratch_alloc(m->scratch, layers, sizeof(*state->layers));
        state->all_stream = hap_scratch_alloc(m->scratch, slots * hap_slot_stride(m->batch->rows.n, (int)d),
                                              sizeof(float));
        state->answer_stream = hap_scratch_alloc(m->scratch, slots * hap_slot_stride(m->batch->answers.n, (int)d),
                                                 sizeof(float));
        if (m->scratch->error.code < 0)
                return m->scratch->error.code;
        memset(state->layers, 0, layers * sizeof(*state->layers));
        m->stream = state->all_stream;
        m->rows = &m->batch->rows;
        return HAP_OK;
}

static int run_forward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       const struct hap_counterfactual *counterfactual, struct hap_masked *run)
{
        struct hap_masked_pass m = {.scratch = scratch, .engine = scratch->engine,
                           .config = &scratch->engine->model->config,
                           .graph = &scratch->engine->graph, .batch = batch, .run = run,
                           .counterfactual = counterfactual,
                           .gradients = run->wanted != NULL || run->d_counterfactual != NULL};
        const int begin = hap_model_first_layer(m.engine->model);
        int rc = begin_masked_run(&m);

        if (rc < 0)
                return rc;
        rc = begin == 0 ? embed_deltas(&m)
                        : hap_relay_from_before(scratch, deltas_before(&m, begin));
        if (rc < 0)
                return rc;
        for (int l = begin; l < hap_model_end_layer(m.engine->model); l++) {
                const size_t mark = scratch->used;

                rc = layer_forward(&m, &m.state->layers[l], l);
                if (rc < 0)
                        return rc;
                if (!m.gradients)
                        scratch->used = mark;
        }
        return end_masked_run(&m);
}

int hap_masked_forward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       struct hap_masked *run)
{
        struct hap_counterfactual *made = hap_scratch_alloc(scratch, (size_t)batch->n, sizeof *made);

        if (!made || hap_remake(scratch, batch->prompts, batch->n, batch->answer_rows_only, made) < 0)
                return scratch->error.code;
        hap_product_begin(scratch, run->bf16);
        return hap_product_end(scratch, run_forward(scratch, batch, made, run));
}
