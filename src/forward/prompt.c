#include "forward/prompt.h"

#include <string.h>

#include "forward/attention.h"
#include "forward/blas.h"
#include "forward/norm.h"
#include "forward/product.h"

int hap_prompt_first(const struct hap_engine *engine, const int32_t *clean,
                     const int32_t *corrupted, int answer_first, const struct hap_ablation *ablation)
{
        int first = 0;

        if (!engine->model->config.causal || !ablation->per_prompt)
                return 0;
        while (first < answer_first && clean[first] == corrupted[first])
                first++;
        return first;
}

/* r += a' of writers [begin, end), at all positions. t: scratch for one output. */
static void add_writers(const struct hap_engine *engine, const struct hap_prompt *prompt,
                        int begin, int end, float *t, float *r)
{
        const int d = engine->model->config.d_model;

        if (!prompt->counterfactual.ablation->read)
                return;
        for (int w = begin; w < end; w++) {
                hap_counterfactual_read(&prompt->counterfactual, engine, prompt->n_tokens, w, 0,
                                prompt->n_tokens, 1, t);
                hap_add((size_t)prompt->n_tokens * d, t, r);
        }
}

/* Adds what is never ablated: r[t] += bias for n rows, with the attention's output bias. */
static void add_row(int n, int d, const float *bias, float *r)
{
        for (int t = 0; bias != NULL && t < n; t++)
                hap_add((size_t)d, bias, r + (size_t)t * d);
}

/* residual: [2 n_layers + 1][n_tokens][d]; output: scratch, [n_tokens][d]. */
static void fill_residual(const struct hap_engine *engine, const struct hap_prompt *prompt,
                          float *output, float *residual)
{
        const struct hap_config *config = &engine->model->config;
        const struct hap_graph *graph = &engine->graph;
        const int n = prompt->n_tokens, d = config->d_model;
        const size_t size = (size_t)n * d;
        const bool has_positions = engine->model->position_embedding != NULL && !graph->split_input;
        float *r = residual;

        memset(r, 0, size * sizeof(*r));
        for (int t = 0; has_positions && t < n; t++)
                memcpy(r + (size_t)t * d,
                       engine->model->position_embedding +
                               (size_t)hap_prompt_token_position(prompt, t) * d,
                       (size_t)d * sizeof(*r));
        add_writers(engine, prompt, 0, graph->n_inputs, output, r);
        for (int l = 0; l < config->n_layers; l++) {
                const int head = hap_graph_head_writer(graph, l, 0);
                const int mlp = hap_graph_mlp_writer(graph, l);
                float *after = r + size, *next = r + 2 * size;

                memcpy(after, r, size * sizeof(*r));
                add_writers(engine, prompt, head, mlp, output, after);
                add_row(n, d, engine->model->layers[l].o.bias, after);
                memcpy(next, after, size * sizeof(*r));
                add_writers(engine, prompt, mlp, mlp + graph->n_mlps, output, next);
                if (config->parallel_residual)
                        memcpy(after, r, size * sizeof(*r));
                r = next;
        }
}

/* q, k, v of layer l at the first n positions of the counterfactual, whose
 * residual stream is x. */
static int fill_layer(struct hap_scratch *scratch, struct hap_prompt *prompt, int l, int n,
                      const float *x)
{
        const struct hap_engine *engine = scratch->engine;
        const struct hap_config *config = &engine->model->config;
        const struct hap_layer *layer = &engine->model->layers[l];
        const int d = config->d_model, dh = config->d_head, T = prompt->n_tokens;
        const int nq = config->n_heads * dh, nk = config->n_kv_heads * dh;
        int start[2] = {0, n}, first[1] = {0};
        const struct hap_prompt *const prompts[] = {prompt};
        const struct hap_rows rows = {.n = n, .start = start, .first = first, .prompts = prompts};
        struct hap_heads heads = {.layer = l, .n = config->n_heads,
                                  .n_kv = config->n_kv_heads,
                                  .q_rows = &rows, .kv_rows = &rows};
        const size_t mark = scratch->used;
        float *mean = hap_scratch_alloc(scratch, (size_t)n, sizeof(float));
        float *rstd = hap_scratch_alloc(scratch, (size_t)n, sizeof(float));

        heads.q_pre_norm = hap_scratch_alloc(scratch, (size_t)n * nq, sizeof(float));
        heads.k_pre_norm = hap_scratch_alloc(scratch, (size_t)n * nk, sizeof(float));
        heads.q_rstd = hap_scratch_alloc(scratch, (size_t)n * config->n_heads, sizeof(float));
        heads.k_rstd = hap_scratch_alloc(scratch, (size_t)n * config->n_kv_heads, sizeof(float));
        if (scratch->error.code < 0)
                return scratch->error.code;
        if (scratch->counting) {
                scratch->used = mark;
                return HAP_OK;
        }
        hap_input_stats(config, n, d, x, mean, rstd);
        heads.k = prompt->k + (size_t)l * T * nk;
        heads.v = prompt->v + (size_t)l * T * nk;
        hap_product_forward(scratch, hap_block_all(&layer->k.weight), n, x, d, 0, heads.k, nk);
        hap_scale_rows(n, nk, rstd, layer->k.bias, heads.k, nk);
        hap_product_forward(scratch, hap_block_all(&layer->v.weight), n, x, d, 0, heads.v, nk);
        hap_scale_rows(n, nk, rstd, layer->v.bias, heads.v, nk);
        for (int i = 0; i < config->n_kv_heads; i++)
                hap_heads_rotate(engine, &heads, 1, i);
        hap_heads_rotate_together(engine, &heads, 1);
        if (prompt->q != NULL) {
                heads.q = prompt->q + (size_t)l * T * nq;
                hap_product_forward(scratch, hap_block_all(&layer->q.weight), n, x, d, 0, heads.q,
                                    nq);
                hap_scale_rows(n, nq, rstd, layer->q.bias, heads.q, nq);
                for (int i = 0; i < config->n_heads; i++)
                        hap_heads_rotate(engine, &heads, 0, i);
                hap_heads_rotate_together(engine, &heads, 0);
        }
        scratch->used = mark;
        return HAP_OK;
}

/* Values of residual, q, and each of k and v. */
static void array_sizes(const struct hap_engine *engine, const struct hap_prompt *prompt,
                        size_t *residual, size_t *q, size_t *kv)
{
        const struct hap_config *config = &engine->model->config;
        const size_t T = (size_t)prompt->n_tokens, L = (size_t)config->n_layers;
        const size_t d = (size_t)config->d_model, dh = (size_t)config->d_head;

        *residual = (2 * L + 1) * (T - (size_t)prompt->first) * d;
        *q = L * T * (size_t)config->n_heads * dh;
        *kv = L * T * (size_t)config->n_kv_heads * dh;
}

int hap_prompt_reserve(const struct hap_engine *engine, struct hap_prompt *prompt, bool want_q,
                       struct hap_arena *arena, struct hap_error *err)
{
        const struct hap_counterfactual *counterfactual = &prompt->counterfactual;
        size_t residual, q, kv;

        if (counterfactual->ablation->averaged && counterfactual->ablation->per_position &&
            prompt->n_tokens > counterfactual->n_positions)
                return hap_fail(err, HAP_EINPUT,
                                "the mean by position covers %d positions, a prompt has %d",
                                counterfactual->n_positions, prompt->n_tokens);
        array_sizes(engine, prompt, &residual, &q, &kv);
        prompt->k = hap_arena_alloc(arena, kv, sizeof(float));
        prompt->v = hap_arena_alloc(arena, kv, sizeof(float));
        if (want_q) {
                prompt->q = hap_arena_alloc(arena, q, sizeof(float));
                prompt->residual = hap_arena_alloc(arena, residual, sizeof(float));
        }
        if (prompt->k == NULL || prompt->v == NULL ||
            (want_q && (prompt->q == NULL || prompt->residual == NULL)))
                return hap_fail_memory(err, "a prompt's constants");
        return HAP_OK;
}

bool hap_prompt_piece(const struct hap_engine *engine, const struct hap_prompt *prompt, size_t k,
                      struct hap_piece *piece)
{
        const bool filled = prompt->q != NULL || prompt->first > 0;
        size_t residual, q, kv;

        array_sizes(engine, prompt, &residual, &q, &kv);
        *piece = k == 0   ? (struct hap_piece){prompt->k, kv * sizeof(float)}
                 : k == 1 ? (struct hap_piece){prompt->v, kv * sizeof(float)}
                 : k == 2 ? (struct hap_piece){prompt->q, q * sizeof(float)}
                          : (struct hap_piece){prompt->residual, residual * sizeof(float)};
        return k < (prompt->q != NULL ? 4u : filled ? 2u : 0u);
}

/* Copies the positions from `first` on of every point; runs do not read earlier ones. */
static void keep_residual(const struct hap_prompt *prompt, int points, int d,
                          const float *residual)
{
        const size_t whole = (size_t)prompt->n_tokens * d;
        const size_t kept = (size_t)(prompt->n_tokens - prompt->first) * d;

        for (int p = 0; p < points; p++)
                memcpy(prompt->residual + (size_t)p * kept,
                       residual + (size_t)(p + 1) * whole - kept, kept * sizeof(*residual));
}

int hap_prompt_refill(const struct hap_engine *engine, struct hap_scratch *scratch,
                      struct hap_prompt *prompt)
{
        const struct hap_config *config = &engine->model->config;
        const int rows = prompt->q != NULL ? prompt->n_tokens : prompt->first;
        const int points = 2 * config->n_layers + 1, d = config->d_model;
        const size_t mark = scratch->used, size = (size_t)prompt->n_tokens * d;
        float *output = hap_scratch_alloc(scratch, size, sizeof(*output));
        float *residual = hap_scratch_alloc(scratch, (size_t)points * size, sizeof(*residual));
        int rc = output == NULL || residual == NULL ? scratch->error.code : HAP_OK;

        if (rc == 0 && !scratch->counting && (prompt->q != NULL || rows > 0))
                fill_residual(engine, prompt, output, residual);
        if (rc == 0 && !scratch->counting && prompt->q != NULL)
                keep_residual(prompt, points, d, residual);
        for (int l = hap_model_first_layer(engine->model);
             l < hap_model_end_layer(engine->model) && rows > 0 && rc == 0; l++)
                rc = fill_layer(scratch, prompt, l, rows, residual + (size_t)2 * l * size);
        scratch->used = mark;
        return rc;
}
