#include "forward/masked_state.h"

#include <string.h>

#include "forward/blas.h"
#include "forward/experts.h"
#include "forward/norm.h"
#include "forward/product.h"

struct backward {
        struct hap_scratch *scratch;
        const struct hap_engine *engine;
        const struct hap_config *config;
        const struct hap_graph *graph;
        const struct hap_batch *batch;
        const struct hap_masked *run;
        struct hap_masked_state *state;
        float *d_z;
        const struct hap_rows *rows; /* of the current stream */
        float *stream;               /* deltas at those rows */
        float *d_delta;              /* [n_slots][rows][d_model] */
};

static size_t slot_size(const struct backward *b)
{
        return (size_t)b->rows->n * b->config->d_model;
}

static size_t slot_stride(const struct backward *b)
{
        return hap_slot_stride(b->rows->n, b->config->d_model);
}

static float *d_slot(const struct backward *b, int writer)
{
        return b->d_delta + (size_t)b->state->plan.slot[writer] * slot_stride(b);
}

/* Readers and their gradients. */
struct group {
        int n;
        int *reader;
        float *g; /* [n][rows][d_model] */
};

/* Gradients go from readers to writers layer by layer only inside a span of so many layers; the
 * writers before the span get them from all its readers at once. So the deltas of a writer and their
 * gradients, which are more than the caches hold, are passed less than half as often. */
#define SPAN 3

static int group_init(const struct backward *b, struct group *group, int max)
{
        *group = (struct group){0};
        group->reader = hap_scratch_alloc(b->scratch, (size_t)max, sizeof(*group->reader));
        group->g = hap_scratch_alloc(b->scratch, (size_t)max * slot_stride(b), sizeof(*group->g));
        return b->scratch->error.code;
}

/* Memory for the next reader's gradient. */
static float *group_add(const struct backward *b, struct group *group, int reader)
{
        group->reader[group->n] = reader;
        return group->g + (size_t)group->n++ * slot_stride(b);
}

/* d_counterfactual += (1 − m[w→r]) Σ_rows g_r, over all writers w that a reader r of the
 * group may read; rows of prompts that share their masks are summed first.
 * g: [rows][d_model] of each reader, d_counterfactual: [n_writers][d_model]. */
static int counterfactual_gradients(const struct backward *b, const struct group *group)
{
        const size_t d = (size_t)b->config->d_model, mark = b->scratch->used;
        float *sum;

        /* NOLINTNEXTLINE(clang-analyzer-core.*): group_init() and group_from() set n */
        if (b->run->d_counterfactual == NULL || group->n == 0)
                return HAP_OK;
        sum = hap_scratch_alloc(b->scratch, d, sizeof(*sum));
        if (sum == NULL)
                return b->scratch->error.code;
        if (b->scratch->counting) {
                b->scratch->used = mark;
                return HAP_OK;
        }
        for (int i = 0; i < group->n; i++) {
                const float *g = group->g + (size_t)i * slot_stride(b);
                struct hap_span span = {0};

                while (hap_span_next(b->graph, b->batch, b->rows, b->run->z, &span)) {
                        memset(sum, 0, d * sizeof(*sum));
                        for (int r = span.begin; r < span.end; r++)
                                hap_add(d, g + (size_t)r * d, sum);
                        for (int w = 0; w < hap_graph_in(b->graph, group->reader[i]); w++) {
                                const float m =
                                        span.z[hap_graph_edge(b->graph, w, group->reader[i])];

                                if (m != 1)
                                        hap_axpy(d, 1 - m, sum, b->run->d_counterfactual + (size_t)w * d);
                        }
                }
        }
        b->scratch->used = mark;
        return HAP_OK;
}

/* From the readers of a group to the writers in slots first … slots - 1. */
static int group_backward(const struct backward *b, const struct group *group, int first, int slots)
{
        const struct hap_mix mix = {.plan = &b->state->plan, .batch = b->batch, .rows = b->rows,
                                    .z = b->run->z, .n = group->n, .reader = group->reader,
                                    .first = first, .slots = slots, .stream = b->stream};

        /* NOLINTNEXTLINE(clang-analyzer-core.*): group_from() sets n */
        return group->n == 0 || first == slots
                       ? HAP_OK : hap_mix_backward(b->scratch, &mix, group->g, b->d_z, b->d_delta);
}

/* The readers of a group from number `begin` on. */
static struct group group_from(const struct backward *b, const struct group *group, int begin)
{
        return (struct group){group->n - begin, group->reader + begin,
                              group->g + (size_t)begin * slot_stride(b)};
}

/* Edges from a layer's own heads into a reader of its MLP, whose gradient is g. */
static void mlp_head_edges_backward(const struct backward *b, const struct hap_masked_layer *s, int l,
                      int reader, const float *g)
{
        const size_t d = (size_t)b->config->d_model;

        for (int i = 0; !b->config->parallel_residual && i < s->n; i++) {
                const int writer = hap_graph_head_writer(b->graph, l, s->head[i]);
                const size_t edge = hap_graph_edge(b->graph, writer, reader);
                const float *delta = hap_delta(b->stream, slot_stride(b), b->state->plan.slot[writer]);
                float *to = d_slot(b, writer);
                struct hap_span span = {0};

                while (b->run->wanted != NULL &&
                       hap_span_next(b->graph, b->batch, b->rows, NULL, &span)) {
                        const size_t from = (size_t)span.begin * d;
                        const size_t at = (size_t)span.position * b->graph->edges_per_position + edge;

                        if (b->run->wanted[at])
                                b->d_z[at] += hap_dot((size_t)span.end * d - from, delta + from,
                                                      g + from);
                }
                span = (struct hap_span){0};
                while (hap_span_next(b->graph, b->batch, b->rows, b->run->z, &span)) {
                        const size_t from = (size_t)span.begin * d;

                        if (span.z[edge] != 0)
                                hap_axpy((size_t)span.end * d - from, span.z[edge], g + from,
                                         to + from);
                }
        }
}

static int mlp_backward(const struct backward *b, const struct hap_masked_layer *s, int l,
                        struct group *group)
{
        int rc = HAP_OK;

        for (int i = 0; i < s->n_mlps && rc == 0; i++) {
                const int reader = hap_graph_mlp_reader(b->graph, l) + s->mlp_node[i];
                const int writer = hap_graph_mlp_writer(b->graph, l) + s->mlp_node[i];
                const struct hap_expert_input in = {s->mlp_input[i].x, s->mlp_input[i].mean,
                                                    s->mlp_input[i].rstd};
                float *g;

                if (!b->state->plan.gradient[reader])
                        continue;
                g = group_add(b, group, reader);
                rc = b->graph->n_experts > 0
                             ? hap_expert_backward(b->scratch, &s->mlp, s->mlp_node[i], &in,
                                                   d_slot(b, writer), g)
                             : hap_mlp_backward(b->scratch, &s->mlp, d_slot(b, writer), g);
                if (rc == 0 && !b->scratch->counting)
                        mlp_head_edges_backward(b, s, l, reader, g);
        }
        return rc;
}

/* d_out[i] = d loss / d (z_i Wo_i) in a model with a post-norm, z_i the head output: of
 * y_i = gain · (z_i Wo_i) / rms(Σ z Wo), with t = Σ_i gain · dy_i · (z_i Wo_i),
 *
 *      d = rstd · gain · dy_i − pre_norm · rstd³ / d_model · t          per row */
static int post_norm_backward(const struct backward *b, const struct hap_masked_layer *s, int l,
                       float *d_out)
{
        const struct hap_layer *layer = &b->engine->model->layers[l];
        const struct hap_norm *norm = &layer->attention_post_norm;
        const int d = b->config->d_model, dh = b->config->d_head, n = b->rows->n;
        float *y = hap_scratch_alloc(b->scratch, slot_size(b), sizeof(*y));
        float *t = hap_scratch_alloc(b->scratch, (size_t)n, sizeof(*t));

        if (y == NULL || t == NULL || b->scratch->counting)
                return b->scratch->error.code;
        memset(t, 0, (size_t)n * sizeof(*t));
        for (int i = 0; i < s->n; i++) {
                const float *dy = d_slot(b, hap_graph_head_writer(b->graph, l, s->head[i]));
                float *out = d_out + (size_t)i * slot_size(b);

                hap_product_forward(b->scratch, hap_block_columns(&layer->o.weight, s->head[i] * dh,
                                    dh), n, s->heads.head_output + (size_t)i * dh, s->n * dh, 0, y,
                                    d);
                for (int r = 0; r < n; r++)
                        for (int j = 0; j < d; j++) {
                                const size_t at = (size_t)r * d + j;

                                out[at] = norm->gain[j] * dy[at];
                                t[r] += out[at] * y[at];
                        }
        }
        for (int i = 0; i < s->n; i++)
                for (int r = 0; r < n; r++) {
                        const float rstd = s->pre_norm_rstd[r];
                        const float c = rstd * rstd * rstd / (float)d * t[r];
                        float *out = d_out + (size_t)i * slot_size(b) + (size_t)r * d;

                        for (int j = 0; j < d; j++)
                                out[j] = rstd * out[j] - c * s->pre_norm[(size_t)r * d + j];
                }
        return HAP_OK;
}

/* dz = d loss / d head_output of every active head; zero for heads without a gradient. */
static int heads_out_backward(const struct backward *b, const struct hap_masked_layer *s, int l,
                              float *dz)
{
        const struct hap_layer *layer = &b->engine->model->layers[l];
        const int d = b->config->d_model, dh = b->config->d_head, n = b->rows->n;
        float *d_out = NULL;

        if (s->pre_norm != NULL) {
                d_out = hap_scratch_alloc(b->scratch, (size_t)s->n * slot_size(b), sizeof(*d_out));
                if (d_out == NULL || post_norm_backward(b, s, l, d_out) < 0)
                        return b->scratch->error.code;
        }
        if (b->scratch->counting)
                return HAP_OK;
        memset(dz, 0, (size_t)n * s->n * dh * sizeof(*dz));
        for (int i = 0; i < s->n; i++) {
                const int writer = hap_graph_head_writer(b->graph, l, s->head[i]);
                const float *dy = s->pre_norm != NULL ? d_out + (size_t)i * slot_size(b)
                                                 : d_slot(b, writer);

                if (b->state->plan.flows[writer])
                        hap_product_backward(b->scratch, hap_block_columns(&layer->o.weight,
                                             s->head[i] * dh, dh), n, dy, d, 0, dz + (size_t)i * dh,
                                             s->n * dh);
        }
        return HAP_OK;
}

/* Gradients at the inputs of the heads' readers of one kind, from dy
 * ([rows][n · d_head]). */
static void heads_inputs_backward(const struct backward *b, const struct hap_masked_layer *s, int l, int which,
                    float *dy, struct group *group)
{
        const struct hap_layer *layer = &b->engine->model->layers[l];
        const struct hap_linear *linear = which == 0 ? &layer->q
                                        : which == 1 ? &layer->k : &layer->v;
        const int d = b->config->d_model, dh = b->config->d_head, n = b->rows->n, ld = s->n * dh;
        const int per = b->config->n_heads / b->config->n_kv_heads;

        for (int i = 0; i < s->n; i++) {
                const int reader = hap_graph_head_reader(b->graph, l, which, s->head[i]);
                const int block = (which == 0 ? s->head[i] : s->head[i] / per) * dh;
                const struct hap_input *in = &s->input[which][i];
                float *g;

                if (!b->state->plan.gradient[reader])
                        continue;
                g = group_add(b, group, reader);
                if (b->scratch->counting)
                        continue;
                hap_scale_rows(n, dh, in->rstd, NULL, dy + (size_t)i * dh, ld);
                hap_product_backward(b->scratch, hap_block_rows(&linear->weight, block, dh), n,
                                     dy + (size_t)i * dh, ld, 0, g, d);
                hap_input_backward(b->config, b->scratch->rules, n, d, in->x, in->mean, in->rstd,
                                   g);
        }
}

/* Back from the answers' rows to all rows. */
static void scatter_to_all_rows(struct backward *b, int slots, float *d_all_rows)
{
        const size_t from = slot_stride(b);
        const size_t to = hap_slot_stride(b->batch->rows.n, b->config->d_model);

        for (int s = 0; s < slots && !b->scratch->counting; s++)
                hap_rows_scatter_add(b->rows, &b->batch->rows, b->batch->n, b->config->d_model,
                                     b->d_delta + (size_t)s * from, d_all_rows + (size_t)s * to);
        b->rows = &b->batch->rows;
        b->stream = b->state->all_stream;
        b->d_delta = d_all_rows;
}

/* Adds the readers of a layer to the group, and their gradients to the writers from slot `first`
 * on. Readers at the answers' rows only are not for the group: all their writers get theirs. */
static int layer_backward(struct backward *b, const struct hap_masked_layer *s, int l,
                          float *d_all_rows, int first, struct group *group)
{
        const size_t mark = b->scratch->used, all_rows = (size_t)b->batch->rows.n;
        const size_t columns = (size_t)s->n * b->config->d_head;
        float *dz = hap_scratch_alloc(b->scratch, (size_t)s->out_rows->n * columns, sizeof(*dz));
        float *dq = hap_scratch_alloc(b->scratch, (size_t)s->out_rows->n * columns, sizeof(*dq));
        float *dk = hap_scratch_alloc(b->scratch, all_rows * columns, sizeof(*dk));
        float *dv = hap_scratch_alloc(b->scratch, all_rows * columns, sizeof(*dv));
        struct group of_answers, *of_queries = group, of_layer;
        const int begin = group->n;
        int rc = b->scratch->error.code;

        if (rc == 0 && s->answer_rows_only)
                rc = group_init(b, of_queries = &of_answers, s->n + s->n_mlps);
        if (rc == 0)
                rc = mlp_backward(b, s, l, of_queries);
        if (rc == 0 && s->n > 0)
                rc = heads_out_backward(b, s, l, dz);
        if (rc == 0 && s->n > 0)
                rc = hap_heads_backward(b->scratch, b->batch, &s->heads, dz, dq, dk, dv);
        if (rc < 0)
                return rc;
        heads_inputs_backward(b, s, l, 0, dq, of_queries);
        if (s->answer_rows_only) {
                rc = counterfactual_gradients(b, &of_answers);
                if (rc == 0)
                        rc = group_backward(b, &of_answers, 0, s->slots);
                if (rc < 0)
                        return rc;
                scatter_to_all_rows(b, s->slots, d_all_rows);
        }
        heads_inputs_backward(b, s, l, 1, dk, group);
        heads_inputs_backward(b, s, l, 2, dv, group);
        of_layer = group_from(b, group, begin);
        rc = counterfactual_gradients(b, &of_layer);
        if (rc == 0)
                rc = group_backward(b, &of_layer, first, s->slots);
        b->scratch->used = mark;
        return rc;
}

/* Layers begin … end - 1. */
static int span_backward(struct backward *b, int begin, int end, float *d_all_rows)
{
        const struct hap_masked_layer *layers = b->state->layers;
        const size_t mark = b->scratch->used;
        const size_t stride = hap_slot_stride(b->batch->rows.n, b->config->d_model);
        struct group group = {0};
        int most = 0, rc = HAP_OK;

        for (int l = begin; l < end; l++)
                most += 3 * layers[l].n + layers[l].n_mlps;
        group.reader = hap_scratch_alloc(b->scratch, (size_t)most, sizeof(*group.reader));
        group.g = hap_scratch_alloc(b->scratch, (size_t)most * stride, sizeof(*group.g));
        if (b->scratch->error.code < 0)
                return b->scratch->error.code;
        for (int l = end - 1; rc == 0 && l >= begin; l--)
                rc = layer_backward(b, &layers[l], l, d_all_rows, layers[begin].slots, &group);
        if (rc == 0)
                rc = group_backward(b, &group, 0, layers[begin].slots);
        b->scratch->used = mark;
        return rc;
}

/* d loss / d x at the logits, and its part in d_z and d_delta. */
static int logits_backward(struct backward *b, const float *d_logits)
{
        const int logits = hap_graph_logits_reader(b->graph);
        struct group group;
        int rc = group_init(b, &group, 1);

        if (rc < 0 || !b->state->plan.gradient[logits])
                return rc;
        rc = hap_unembed_backward(b->scratch, &b->state->unembed, d_logits,
                                  group_add(b, &group, logits));
        if (rc == 0)
                rc = counterfactual_gradients(b, &group);
        return rc < 0 ? rc : group_backward(b, &group, 0, b->state->plan.n_slots);
}

static struct hap_strided deltas_before(const struct backward *b, float *d_all_rows, int layer)
{
        return hap_deltas_before(d_all_rows, b->state, b->graph, b->batch, b->config->d_model,
                                 layer);
}

/* If ranks hold layers: the gradient of the deltas before layer `end`, from the rank that has it. */
static int from_after(struct backward *b, int end, float *d_all_rows)
{
        b->rows = &b->batch->rows;
        b->stream = b->state->all_stream;
        b->d_delta = d_all_rows;
        return hap_relay_from_after(b->scratch, deltas_before(b, d_all_rows, end));
}

static int run_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                        struct hap_masked *run, const float *d_logits, float *d_z)
{
        struct hap_masked_state *state = run->state;
        const size_t d = (size_t)scratch->engine->model->config.d_model, mark = scratch->used;
        const size_t slots = (size_t)state->plan.n_slots;
        const size_t all_rows = slots * hap_slot_stride(batch->rows.n, (int)d);
        const size_t answers = slots * hap_slot_stride(batch->answers.n, (int)d);
        float *d_all_rows = hap_scratch_alloc(scratch, all_rows, sizeof(*d_all_rows));
        struct backward b = {.scratch = scratch, .engine = scratch->engine,
                             .config = &scratch->engine->model->config,
                             .graph = &scratch->engine->graph, .batch = batch, .run = run,
                             .state = state, .d_z = d_z, .rows = &batch->answers,
                             .stream = state->answer_stream};
        const int begin = hap_model_first_layer(scratch->engine->model);
        const int end = hap_model_end_layer(scratch->engine->model);
        int rc;

        b.d_delta = hap_scratch_alloc(scratch, answers, sizeof(*b.d_delta));
        if (d_all_rows == NULL || b.d_delta == NULL)
                return scratch->error.code;
        if (!scratch->counting) {
                memset(d_all_rows, 0, all_rows * sizeof(*d_all_rows));
                memset(b.d_delta, 0, answers * sizeof(*b.d_delta));
                if (d_z != NULL)
                        memset(d_z, 0, b.graph->n_edges * sizeof(*d_z));
                if (run->d_counterfactual != NULL)
                        memset(run->d_counterfactual, 0,
                               (size_t)b.graph->n_writers * d * sizeof(float));
        }
        rc = end < b.config->n_layers ? from_after(&b, end, d_all_rows)
                                      : logits_backward(&b, d_logits);
        for (int last = end; rc == 0 && last > begin; last -= SPAN)
                rc = span_backward(&b, last - begin > SPAN ? last - SPAN : begin, last, d_all_rows);
        if (rc == 0)
                rc = hap_relay_to_before(scratch, deltas_before(&b, d_all_rows, begin));
        if (rc == 0)
                rc = hap_relay_edges(scratch, d_z);
        scratch->used = mark;
        return rc;
}

int hap_masked_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                        struct hap_masked *run, const float *d_logits, float *d_z)
{
        hap_product_begin(scratch, run->bf16);
        return hap_product_end(scratch, run_backward(scratch, batch, run, d_logits, d_z));
}
