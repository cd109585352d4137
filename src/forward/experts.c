#include "forward/experts.h"

#include <math.h>
#include <string.h>

#include "forward/activation.h"
#include "forward/blas.h"
#include "forward/norm.h"
#include "forward/product.h"

#define LANES 16

/* In double, so that equal rows of a router give equal logits. */
static double dot(int n, const float *a, const float *b)
{
        double part[LANES] = {0}, total = 0;
        int i = 0;

        for (; i + LANES <= n; i += LANES)
                for (int j = 0; j < LANES; j++)
                        part[j] += (double)a[i + j] * (double)b[i + j];
        for (int j = 0; i + j < n; j++)
                part[j] += (double)a[i + j] * (double)b[i + j];
        for (int j = 0; j < LANES; j++)
                total += part[j];
        return total;
}

static const struct hap_layer *layer_of(const struct hap_scratch *scratch,
                                        const struct hap_mlp *mlp)
{
        return &scratch->engine->model->layers[mlp->layer];
}

int hap_experts_alloc(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const size_t rows = (size_t)mlp->rows, pairs = rows * (size_t)config->n_used;
        struct hap_routing *r = &mlp->routing;

        r->start = hap_scratch_alloc(scratch, (size_t)config->n_experts + 1, sizeof(*r->start));
        r->row = hap_scratch_alloc(scratch, pairs, sizeof(*r->row));
        r->weight = hap_scratch_alloc(scratch, pairs, sizeof(*r->weight));
        r->probability = hap_scratch_alloc(scratch, rows * (size_t)config->n_experts,
                                           sizeof(*r->probability));
        if (gradients && scratch->engine->graph.n_experts == 0) /* for the router's gradient */
                r->hidden = hap_scratch_alloc(scratch, pairs * (size_t)config->d_mlp,
                                              sizeof(*r->hidden));
        return scratch->error.code;
}

/* The n_used largest of the logits: chosen[e]. Of equal ones the first. */
static void choose(const struct hap_config *config, const float *logits, bool *chosen)
{
        memset(chosen, 0, (size_t)config->n_experts * sizeof(*chosen));
        for (int k = 0; k < config->n_used; k++) {
                int best = -1;

                for (int e = 0; e < config->n_experts; e++)
                        if (!chosen[e] && (best < 0 || logits[e] > logits[best]))
                                best = e;
                chosen[best] = true;
        }
}

/* p = softmax of one row's logits, over the chosen experts or, with route_all, over all; in the
 * place of the logits. Then the row's weights are the p of the chosen. */
static void row_softmax(const struct hap_config *config, const bool *chosen, float *p)
{
        double max = -INFINITY, total = 0;

        for (int e = 0; e < config->n_experts; e++)
                if (config->route_all || chosen[e])
                        max = fmax(max, (double)p[e]);
        for (int e = 0; e < config->n_experts; e++) {
                const bool counts = config->route_all || chosen[e];

                p[e] = counts ? (float)exp((double)p[e] - max) : 0;
                total += (double)p[e];
        }
        for (int e = 0; e < config->n_experts; e++)
                p[e] = (float)((double)p[e] / total);
}

/* Lists the pairs of an expert and a row, expert by expert. chosen: [rows][n_experts]. */
static void list_pairs(int experts, int rows, const bool *chosen, struct hap_routing *to)
{
        int pair = 0;

        for (int e = 0; e < experts; e++) {
                to->start[e] = pair;
                for (int i = 0; i < rows; i++) {
                        if (!chosen[(size_t)i * experts + e])
                                continue;
                        to->row[pair] = i;
                        to->weight[pair++] = to->probability[(size_t)i * experts + e];
                }
        }
        to->start[experts] = pair;
}

/* Chooses experts for all rows by the router. chosen: [rows][n_experts], scratch. */
static void route(const struct hap_scratch *scratch, struct hap_mlp *mlp, bool *chosen)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_linear *router = &layer_of(scratch, mlp)->router;
        const int d = config->d_model, experts = config->n_experts;
        struct hap_routing *to = &mlp->routing;

        for (int i = 0; i < mlp->rows; i++) {
                float *logits = to->probability + (size_t)i * experts;

                for (int e = 0; e < experts; e++) {
                        const double r = mlp->rstd[i] * dot(d, router->weight.data + (size_t)e * d,
                                                            mlp->x + (size_t)i * d);

                        logits[e] = (float)(r + (router->bias ? (double)router->bias[e] : 0));
                }
                choose(config, logits, chosen + (size_t)i * experts);
                row_softmax(config, chosen + (size_t)i * experts, logits);
        }
        list_pairs(experts, mlp->rows, chosen, to);
}

/* Takes the weights of the prompts: those that are not zero are of chosen experts. */
static void take_gates(const struct hap_scratch *scratch, struct hap_mlp *mlp,
                       const struct hap_batch *batch, const struct hap_rows *rows, bool *chosen)
{
        const size_t experts = (size_t)scratch->engine->model->config.n_experts;

        for (int at = 0; at < batch->n; at++) {
                const struct hap_prompt *prompt = batch->prompts[at];
                const size_t layer = (size_t)mlp->layer * (size_t)prompt->n_tokens;

                for (int r = rows->start[at]; r < rows->start[at + 1]; r++) {
                        const size_t t = (size_t)(rows->first[at] + r - rows->start[at]);
                        const float *gates = prompt->gates + (layer + t) * experts;

                        memcpy(mlp->routing.probability + (size_t)r * experts, gates,
                               experts * sizeof(*gates));
                        for (size_t e = 0; e < experts; e++)
                                chosen[(size_t)r * experts + e] = gates[e] != 0;
                }
        }
        list_pairs((int)experts, mlp->rows, chosen, &mlp->routing);
}

int hap_experts_choose(struct hap_scratch *scratch, struct hap_mlp *mlp,
                       const struct hap_batch *batch, const struct hap_rows *rows, bool frozen)
{
        const size_t experts = (size_t)scratch->engine->model->config.n_experts;
        const size_t mark = scratch->used;
        bool *chosen = hap_scratch_alloc(scratch, (size_t)mlp->rows * experts, sizeof(*chosen));

        if (chosen == NULL)
                return scratch->error.code;
        if (!scratch->counting && batch->prompts[0]->gates != NULL)
                take_gates(scratch, mlp, batch, rows, chosen);
        else if (!scratch->counting && frozen)
                return hap_fail(&scratch->error, HAP_EINPUT,
                                "a prompt has no weights of experts from the full model's run");
        else if (!scratch->counting)
                route(scratch, mlp, chosen);
        scratch->used = mark;
        return HAP_OK;
}

/* to[i] = from[row[i]], rows of d values. */
static void gather(int n, const int *row, int d, const float *from, float *to)
{
        for (int i = 0; i < n; i++)
                memcpy(to + (size_t)i * d, from + (size_t)row[i] * d, (size_t)d * sizeof(*to));
}

/* Buffers for the rows of one expert. */
struct rows_of_expert {
        float *x, *y, *rstd, *in, *gate;
};

static int alloc_rows(struct hap_scratch *scratch, int rows, struct rows_of_expert *b)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const size_t n = (size_t)rows, d = (size_t)config->d_model, m = (size_t)config->d_mlp;

        b->x = hap_scratch_alloc(scratch, n * d, sizeof(float));
        b->y = hap_scratch_alloc(scratch, n * d, sizeof(float));
        b->rstd = hap_scratch_alloc(scratch, n, sizeof(float));
        b->in = hap_scratch_alloc(scratch, n * m, sizeof(float));
        b->gate = hap_scratch_alloc(scratch, n * m, sizeof(float));
        return scratch->error.code;
}

/* out[row] += w · expert(x[row]), over the rows of one expert. */
static void expert_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, int e,
                           const float *x, const float *rstd, bool gradients,
                           const struct rows_of_expert *b, float *out)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_expert *expert = &layer_of(scratch, mlp)->experts[e];
        const struct hap_routing *r = &mlp->routing;
        const int d = config->d_model, m = config->d_mlp, first = r->start[e];
        const int n = r->start[e + 1] - first;
        const size_t at = (size_t)first * m;

        if (n == 0)
                return;
        gather(n, r->row + first, d, x, b->x);
        for (int i = 0; i < n; i++)
                b->rstd[i] = rstd[r->row[first + i]];
        hap_product_forward(scratch, hap_block_all(&expert->in.weight), n, b->x, d, 0, b->in, m);
        hap_scale_rows(n, m, b->rstd, expert->in.bias, b->in, m);
        hap_product_forward(scratch, hap_block_all(&expert->gate.weight), n, b->x, d, 0, b->gate,
                            m);
        hap_scale_rows(n, m, b->rstd, expert->gate.bias, b->gate, m);
        hap_gated_hidden(config, scratch->rules, (size_t)n * m, b->in, b->gate, gradients ? mlp->slope + at : NULL,
                         gradients ? mlp->slope_gate + at : NULL);
        if (gradients && r->hidden != NULL)
                memcpy(r->hidden + at, b->in, (size_t)n * m * sizeof(*b->in));
        hap_product_forward(scratch, hap_block_all(&expert->out.weight), n, b->in, m, 0, b->y, d);
        for (int i = 0; i < n; i++) {
                float *y = b->y + (size_t)i * d;

                if (expert->out.bias != NULL)
                        hap_add((size_t)d, expert->out.bias, y);
                hap_axpy((size_t)d, r->weight[first + i], y, out + (size_t)r->row[first + i] * d);
        }
}

int hap_experts_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients,
                        float *out)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const size_t mark = scratch->used, rows = (size_t)mlp->rows;
        struct rows_of_expert buffers;
        bool *chosen = hap_scratch_alloc(scratch, rows * (size_t)config->n_experts, sizeof(bool));

        if (alloc_rows(scratch, mlp->rows, &buffers) < 0)
                return scratch->error.code;
        if (!scratch->counting) {
                route(scratch, mlp, chosen);
                memset(out, 0, rows * (size_t)config->d_model * sizeof(*out));
                for (int e = 0; e < config->n_experts; e++)
                        expert_forward(scratch, mlp, e, mlp->x, mlp->rstd, gradients, &buffers,
                                       out);
        }
        scratch->used = mark;
        return HAP_OK;
}

int hap_expert_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, int e,
                       const struct hap_expert_input *in, bool gradients, float *out)
{
        const size_t mark = scratch->used;
        struct rows_of_expert buffers;

        if (alloc_rows(scratch, mlp->rows, &buffers) < 0)
                return scratch->error.code;
        if (!scratch->counting)
                expert_forward(scratch, mlp, e, in->x, in->rstd, gradients, &buffers, out);
        scratch->used = mark;
        return HAP_OK;
}

/* One expert's part of g, and unless dw is NULL dw = d loss / d w of its rows: with d_out at the
 * row, dh = d_out Wout, dw = ⟨dh, hidden⟩ + ⟨d_out, bias⟩. */
static void expert_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp, int e,
                            const float *rstd, const struct rows_of_expert *b, const float *d_out,
                            float *dw, float *g)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_expert *expert = &layer_of(scratch, mlp)->experts[e];
        const struct hap_routing *r = &mlp->routing;
        const int d = config->d_model, m = config->d_mlp, first = r->start[e];
        const int n = r->start[e + 1] - first;

        if (n == 0)
                return;
        gather(n, r->row + first, d, d_out, b->y);
        hap_product_backward(scratch, hap_block_all(&expert->out.weight), n, b->y, d, 0, b->in, m);
        for (int i = 0; i < n; i++) {
                const size_t pair = (size_t)first + (size_t)i;
                const float scale = r->weight[pair] * rstd[r->row[pair]];
                float *dh = b->in + (size_t)i * m, *dg = b->gate + (size_t)i * m;

                if (dw != NULL)
                        dw[pair] = hap_dot((size_t)m, dh, r->hidden + pair * m);
                if (dw != NULL && expert->out.bias != NULL)
                        dw[pair] += hap_dot((size_t)d, b->y + (size_t)i * d, expert->out.bias);
                for (int j = 0; j < m; j++) {
                        dg[j] = scale * dh[j] * mlp->slope_gate[pair * m + j];
                        dh[j] = scale * dh[j] * mlp->slope[pair * m + j];
                }
        }
        hap_product_backward(scratch, hap_block_all(&expert->in.weight), n, b->in, m, 0, b->x, d);
        hap_product_backward(scratch, hap_block_all(&expert->gate.weight), n, b->gate, m, 1, b->x,
                             d);
        for (int i = 0; i < n; i++)
                hap_add((size_t)d, b->x + (size_t)i * d, g + (size_t)r->row[first + i] * d);
}

/* g += the router's part: dr_e = w_e dw_e [e chosen] − p_e Σ over the chosen w dw, where p is the
 * softmax over all experts, or w. dr: [rows][n_experts], scratch. */
static void router_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp,
                            const float *dw, float *sum, float *dr, float *g)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_routing *r = &mlp->routing;
        const int experts = config->n_experts, d = config->d_model;

        memset(sum, 0, (size_t)mlp->rows * sizeof(*sum));
        memset(dr, 0, (size_t)mlp->rows * experts * sizeof(*dr));
        for (int e = 0; e < experts; e++)
                for (int pair = r->start[e]; pair < r->start[e + 1]; pair++) {
                        const float part = r->weight[pair] * dw[pair];

                        sum[r->row[pair]] += part;
                        dr[(size_t)r->row[pair] * experts + e] = part;
                }
        for (int i = 0; i < mlp->rows; i++)
                for (int e = 0; e < experts; e++) {
                        const size_t at = (size_t)i * experts + e;

                        dr[at] = (dr[at] - r->probability[at] * sum[i]) * mlp->rstd[i];
                }
        hap_product_backward(scratch, hap_block_all(&layer_of(scratch, mlp)->router.weight),
                             mlp->rows, dr, experts, 1, g, d);
}

int hap_experts_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp,
                         const float *d_out, float *g)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const size_t mark = scratch->used, rows = (size_t)mlp->rows;
        float *dw = hap_scratch_alloc(scratch, rows * (size_t)config->n_used, sizeof(*dw));
        float *sum = hap_scratch_alloc(scratch, rows, sizeof(*sum));
        float *dr = hap_scratch_alloc(scratch, rows * (size_t)config->n_experts, sizeof(*dr));
        struct rows_of_expert buffers;

        if (alloc_rows(scratch, mlp->rows, &buffers) < 0)
                return scratch->error.code;
        if (!scratch->counting) {
                memset(g, 0, rows * (size_t)config->d_model * sizeof(*g));
                for (int e = 0; e < config->n_experts; e++)
                        expert_backward(scratch, mlp, e, mlp->rstd, &buffers, d_out, dw, g);
                if (!scratch->rules->constant_pattern)
                        router_backward(scratch, mlp, dw, sum, dr, g);
        }
        scratch->used = mark;
        return HAP_OK;
}

int hap_expert_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp, int e,
                        const struct hap_expert_input *in, const float *d_out, float *g)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const size_t mark = scratch->used, size = (size_t)mlp->rows * (size_t)config->d_model;
        struct rows_of_expert buffers;

        if (alloc_rows(scratch, mlp->rows, &buffers) < 0)
                return scratch->error.code;
        if (!scratch->counting) {
                memset(g, 0, size * sizeof(*g));
                expert_backward(scratch, mlp, e, in->rstd, &buffers, d_out, NULL, g);
                hap_input_backward(config, scratch->rules, mlp->rows, config->d_model, in->x,
                                   in->mean, in->rstd, g);
        }
        scratch->used = mark;
        return HAP_OK;
}
