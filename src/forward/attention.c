#include "forward/attention.h"

#include <math.h>
#include <string.h>

#include "forward/activation.h"
#include "forward/blas.h"
#include "forward/norm.h"

/* The part of the attention matrix of one head and prompt:
 * scores[i][j] = scale · q_i·k_j, i a query row, j a token, for j that query i
 * may see; kept as p = softmax over j, 0 elsewhere. */
struct block {
        float scale; /* of the scores */
        const struct hap_config *config;
        const struct hap_prompt *prompt;
        int window;
        float slope;                /* of ALiBi; 0: none */
        int n_queries, first_query; /* first_query: its position */
        int first_key, n_keys;      /* rows of this run; before: the prompt's */
        const float *prefix_k, *prefix_v;
        int ld_prefix;
        const float *q, *k, *v;
        int ld_q, ld_kv;
        float *p; /* [n_queries][n_tokens] */
};

static struct block block_of(const struct hap_engine *engine,
                             const struct hap_batch *batch,
                             const struct hap_heads *heads, int i, int at)
{
        const struct hap_config *config = &engine->model->config;
        const struct hap_prompt *prompt = batch->prompts[at];
        const struct hap_rows *qr = heads->q_rows, *kr = heads->kv_rows;
        const int dh = config->d_head;
        const int group = heads->head[i] / (config->n_heads / config->n_kv_heads);
        const size_t prefix = (size_t)heads->layer * prompt->n_tokens *
                              (size_t)(config->n_kv_heads * dh) + (size_t)group * dh;
        struct block block = {
                .config = config,
                .prompt = prompt,
                .window = engine->model->layers[heads->layer].window,
                .slope = engine->model->alibi ? engine->model->alibi[heads->head[i]] : 0,
                .scale = config->attention_scale_by_layer
                                 ? config->attention_scale / (float)(heads->layer + 1)
                                 : config->attention_scale,
                .n_queries = qr->start[at + 1] - qr->start[at],
                .first_query = qr->first[at],
                .n_keys = kr->start[at + 1] - kr->start[at],
                .first_key = kr->first[at],
                .ld_prefix = config->n_kv_heads * dh,
                .ld_q = heads->n * dh,
                .ld_kv = heads->n_kv * dh,
        };

        if (block.first_key > 0) {
                block.prefix_k = prompt->k + prefix;
                block.prefix_v = prompt->v + prefix;
        }
        block.q = heads->q + (size_t)qr->start[at] * block.ld_q + (size_t)i * dh;
        block.k = heads->k + (size_t)kr->start[at] * block.ld_kv + (size_t)heads->kv[i] * dh;
        block.v = heads->v + (size_t)kr->start[at] * block.ld_kv + (size_t)heads->kv[i] * dh;
        return block;
}

/* The keys [*from, *to) that the query at a position may see. */
static void visible_keys(const struct block *b, int position, int *from, int *to)
{
        const int n = b->prompt->n_tokens;

        *from = 0;
        *to = b->config->causal ? position + 1 : n;
        if (b->window > 0 && position + 1 > b->window)
                *from = position + 1 - b->window;
}

/* x rounded to BF16, to nearest even. */
static float round_bf16(float x)
{
        uint32_t bits;

        memcpy(&bits, &x, sizeof(bits));
        bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
        memcpy(&x, &bits, sizeof(x));
        return x;
}

/* scores[i][j] += slope · (j − position of query i): ALiBi's slope · j, shifted by what is the
 * same for all keys. Falcon rounds slope · j and scales it as the products are. */
static void add_alibi(const struct block *b)
{
        const int n = b->prompt->n_tokens;

        for (int i = 0; i < b->n_queries; i++)
                for (int j = 0; j < n; j++)
                        b->p[(size_t)i * n + j] +=
                                b->config->alibi_bf16
                                        ? b->config->attention_scale *
                                                  round_bf16(round_bf16(b->slope) * (float)j)
                                        : b->slope * (float)(j - b->first_query - i);
}

static void scores(const struct block *b)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const float scale = b->scale;

        if (b->first_key > 0)
                hap_gemm(false, true, b->n_queries, b->first_key, dh, scale, b->q,
                         b->ld_q, b->prefix_k, b->ld_prefix, 0, b->p, n);
        hap_gemm(false, true, b->n_queries, b->n_keys, dh, scale, b->q, b->ld_q,
                 b->k, b->ld_kv, 0, b->p + b->first_key, n);
        if (b->slope != 0)
                add_alibi(b);
        if (b->config->attention_cap > 0)
                hap_soft_cap((size_t)b->n_queries * n, b->config->attention_cap, b->p);
}

static void normalise(const struct block *b)
{
        const int n = b->prompt->n_tokens;

        for (int i = 0; i < b->n_queries; i++) {
                float *row = b->p + (size_t)i * n;
                int from, to;

                visible_keys(b, b->first_query + i, &from, &to);
                memset(row, 0, (size_t)from * sizeof(*row));
                hap_softmax(to - from, row + from);
                memset(row + to, 0, (size_t)(n - to) * sizeof(*row));
        }
}

void hap_heads_attend(const struct hap_engine *engine, const struct hap_batch *batch,
                      struct hap_heads *heads, bool keep)
{
        const int dh = engine->model->config.d_head;
        const float scale = engine->model->config.residual_scale;
        float *p = heads->p;

        for (int i = 0; i < heads->n; i++) {
                for (int at = 0; at < batch->n; at++) {
                        struct block b = block_of(engine, batch, heads, i, at);
                        const int n = b.prompt->n_tokens;
                        float *z = heads->head_output + (size_t)heads->q_rows->start[at] * b.ld_q +
                                   (size_t)i * dh;

                        b.p = p;
                        scores(&b);
                        normalise(&b);
                        hap_gemm(false, false, b.n_queries, dh, b.n_keys, scale,
                                 b.p + b.first_key, n, b.v, b.ld_kv, 0, z, b.ld_q);
                        if (b.first_key > 0)
                                hap_gemm(false, false, b.n_queries, dh, b.first_key, scale,
                                         b.p, n, b.prefix_v, b.ld_prefix, 1, z, b.ld_q);
                        if (keep)
                                p += (size_t)b.n_queries * n;
                }
        }
}

/* ds = p · (dp − Σ_j p dp) per row, in place of dp; with a soft cap times
 * 1 − (s / cap)², s the capped scores. */
static void softmax_backward(const struct block *b, const float *s, float *dp)
{
        const int n = b->prompt->n_tokens;
        const float cap = b->config->attention_cap;

        for (int i = 0; i < b->n_queries; i++) {
                const float *p = b->p + (size_t)i * n;
                float *row = dp + (size_t)i * n;
                float total = 0;

                for (int j = 0; j < n; j++)
                        total += p[j] * row[j];
                for (int j = 0; j < n; j++)
                        row[j] = p[j] * (row[j] - total);
                if (s == NULL)
                        continue;
                for (int j = 0; j < n; j++) {
                        const float share = s[(size_t)i * n + j] / cap;

                        row[j] *= 1 - share * share;
                }
        }
}

/* dv = r pᵀ dz, dp = r dz vᵀ, r the residual scale, for one block. */
static void values_backward(const struct block *b, const float *dz, float *dp, float *dv, int ld)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const float r = b->config->residual_scale;

        hap_gemm(true, false, b->n_keys, dh, b->n_queries, r, b->p + b->first_key, n,
                 dz, ld, 0, dv, ld);
        if (b->first_key > 0)
                hap_gemm(false, true, b->n_queries, b->first_key, dh, r, dz, ld,
                         b->prefix_v, b->ld_prefix, 0, dp, n);
        hap_gemm(false, true, b->n_queries, b->n_keys, dh, r, dz, ld, b->v, b->ld_kv,
                 0, dp + b->first_key, n);
}

/* dq = scale ds k, dk = scale dsᵀ q, ds from dp, for one block. s: room for the scores of a model
 * that caps them. */
static void pattern_backward(const struct block *b, float *dp, float *s, float *dq, float *dk,
                             int ld)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const float scale = b->scale;

        if (s != NULL) {
                struct block again = *b;

                again.p = s;
                scores(&again);
        }
        softmax_backward(b, s, dp);
        hap_gemm(false, false, b->n_queries, dh, b->n_keys, scale, dp + b->first_key,
                 n, b->k, b->ld_kv, 0, dq, ld);
        if (b->first_key > 0)
                hap_gemm(false, false, b->n_queries, dh, b->first_key, scale, dp, n,
                         b->prefix_k, b->ld_prefix, 1, dq, ld);
        hap_gemm(true, false, b->n_keys, dh, b->n_queries, scale, dp + b->first_key,
                 n, b->q, b->ld_q, 0, dk, ld);
}

/* The norm of one head's queries, or of one group's keys. */
static struct hap_norm norm_of_head(const struct hap_config *config, const struct hap_norm *norm,
                                    int head)
{
        struct hap_norm of = *norm;

        if (config->qk_norm_each && of.gain != NULL)
                of.gain += (size_t)head * config->d_head;
        return of;
}

/* Back through the rotation and the norm of one head's vector d[d_head]. */
static void rotate_vector_back(const struct hap_engine *engine, const struct hap_rules *rules,
                      int layer, bool key, int head, int position, const float *pre_norm, float rstd, float *d)
{
        const struct hap_config *config = &engine->model->config;
        const struct hap_layer *weights = &engine->model->layers[layer];
        const struct hap_norm norm = norm_of_head(config, key ? &weights->k_norm : &weights->q_norm, head);
        const float zero = 0;

        hap_rotate(engine, layer, position, -1, d);
        if (pre_norm != NULL)
                hap_norm_apply_backward(config, rules, &norm, 1, config->d_head, pre_norm, &zero,
                                        &rstd, d, d);
}

static void rotate_heads_back(const struct hap_engine *engine, const struct hap_rules *rules,
                          const struct hap_heads *heads, int n_prompts,
                          bool key, float *d)
{
        const struct hap_rows *rows = key ? heads->kv_rows : heads->q_rows;
        const int dh = engine->model->config.d_head;
        const int blocks = key ? heads->n_kv : heads->n;
        const int per = engine->model->config.n_heads / engine->model->config.n_kv_heads;
        const float *pre_norm = key ? heads->k_pre_norm : heads->q_pre_norm;
        const float *rstd = key ? heads->k_rstd : heads->q_rstd;

        for (int at = 0; at < n_prompts; at++)
                for (int r = rows->start[at]; r < rows->start[at + 1]; r++)
                        for (int i = 0; i < heads->n; i++) {
                                const size_t c = (size_t)r * blocks +
                                                 (key ? heads->kv[i] : i);

                                rotate_vector_back(engine, rules, heads->layer, key,
                                          key ? heads->head[i] / per : heads->head[i],
                                          rows->first[at] + r - rows->start[at],
                                          pre_norm != NULL ? pre_norm + c * dh : NULL,
                                          pre_norm != NULL ? rstd[c] : 1,
                                          d + ((size_t)r * heads->n + i) * dh);
                        }
}

int hap_heads_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       const struct hap_heads *heads, const float *dz, float *dq,
                       float *dk, float *dv)
{
        const struct hap_engine *engine = scratch->engine;
        const int dh = engine->model->config.d_head, ld = heads->n * dh;
        const bool capped = engine->model->config.attention_cap > 0;
        const size_t mark = scratch->used;
        size_t max = 0, p_at = 0;
        float *dp, *s = NULL;

        for (int at = 0; at < batch->n; at++) {
                const size_t n = (size_t)(heads->q_rows->start[at + 1] - heads->q_rows->start[at]) *
                                 batch->prompts[at]->n_tokens;

                max = n > max ? n : max;
        }
        dp = hap_scratch_alloc(scratch, max, sizeof(*dp));
        if (capped)
                s = hap_scratch_alloc(scratch, max, sizeof(*s));
        if (dp == NULL || (capped && s == NULL))
                return scratch->error.code;
        if (scratch->counting) {
                scratch->used = mark;
                return HAP_OK;
        }
        for (int i = 0; i < heads->n; i++) {
                for (int at = 0; at < batch->n; at++) {
                        struct block b = block_of(engine, batch, heads, i, at);
                        const size_t qo = (size_t)heads->q_rows->start[at] * ld + (size_t)i * dh;
                        const size_t ko = (size_t)heads->kv_rows->start[at] * ld + (size_t)i * dh;

                        b.p = heads->p + p_at;
                        values_backward(&b, dz + qo, dp, dv + ko, ld);
                        if (heads->d_p != NULL)
                                memcpy(heads->d_p + p_at, dp, (size_t)b.n_queries *
                                       b.prompt->n_tokens * sizeof(*dp));
                        if (!scratch->rules->constant_pattern)
                                pattern_backward(&b, dp, s, dq + qo, dk + ko, ld);
                        p_at += (size_t)b.n_queries * b.prompt->n_tokens;
                }
        }
        if (scratch->rules->constant_pattern) {
                memset(dq, 0, (size_t)heads->q_rows->n * ld * sizeof(*dq));
                memset(dk, 0, (size_t)heads->kv_rows->n * ld * sizeof(*dk));
        } else {
                rotate_heads_back(engine, scratch->rules, heads, batch->n, false, dq);
                rotate_heads_back(engine, scratch->rules, heads, batch->n, true, dk);
        }
        scratch->used = mark;
        return HAP_OK;
}

/* cos and sin of the angle of pair i at a position, times the layer's scale. */
static void angle(const struct hap_layer *layer, int position, int i, float *c, float *s)
{
        const double a = (double)position * layer->rotary_frequency[i];

        *c = (float)cos(a) * layer->rotary_scale;
        *s = (float)sin(a) * layer->rotary_scale;
}

void hap_rotary_fill(const struct hap_layer *layer, int half, int positions, float *table)
{
        for (int t = 0; t < positions; t++)
                for (int i = 0; i < half; i++, table += 2)
                        angle(layer, t, i, table, table + 1);
}

void hap_rotate(const struct hap_engine *engine, int layer, int position, float sign, float *x)
{
        const struct hap_config *config = &engine->model->config;
        const int half = config->n_rotary / 2;
        const float *table = engine->rotary != NULL ? engine->rotary[layer] : NULL;

        if (config->position_kind != HAP_POSITIONS_ROTARY || table == NULL)
                return;
        for (int i = 0; i < half; i++) {
                float *a = config->rotary_interleaved ? x + 2 * i : x + i;
                float *b = config->rotary_interleaved ? x + 2 * i + 1 : x + i + half;
                const float old = *a;
                float c, s;

                if (position < engine->n_rotary_positions) {
                        c = table[2 * ((size_t)position * half + i)];
                        s = table[2 * ((size_t)position * half + i) + 1];
                } else {
                        angle(&engine->model->layers[layer], position, i, &c, &s);
                }
                *a = old * c - *b * s * sign;
                *b = *b * c + old * s * sign;
        }
}

/* The number of a column block's head, or of its group of keys (which = 1). */
static int head_of_block(const struct hap_config *config, const struct hap_heads *heads,
                         int which, int block)
{
        int i = 0;

        if (heads->head == NULL) /* all heads */
                return block;
        if (which == 0)
                return heads->head[block];
        while (heads->kv[i] != block)
                i++;
        return heads->head[i] / (config->n_heads / config->n_kv_heads);
}

void hap_heads_rotate(const struct hap_engine *engine, struct hap_heads *heads,
                    int which, int block)
{
        const struct hap_config *config = &engine->model->config;
        const struct hap_layer *layer = &engine->model->layers[heads->layer];
        const struct hap_rows *rows = which == 0 ? heads->q_rows : heads->kv_rows;
        const struct hap_norm norm = norm_of_head(config, which == 0 ? &layer->q_norm : &layer->k_norm,
                                                  head_of_block(config, heads, which, block));
        float *x = which == 0 ? heads->q : heads->k;
        float *pre_norm = which == 0 ? heads->q_pre_norm : heads->k_pre_norm;
        float *rstd = which == 0 ? heads->q_rstd : heads->k_rstd;
        const int blocks = which == 0 ? heads->n : heads->n_kv, dh = config->d_head;
        int at = 0;

        for (int r = 0; r < rows->n; r++) {
                const size_t c = (size_t)r * blocks + block;
                float *vector = x + c * dh;

                while (r >= rows->start[at + 1])
                        at++;
                if (norm.gain != NULL) {
                        const float zero = 0;
                        float mean;

                        memcpy(pre_norm + c * dh, vector, (size_t)dh * sizeof(*pre_norm));
                        hap_norm_stats(config, 1, dh, pre_norm + c * dh, &mean, &rstd[c]);
                        for (int j = 0; mean != 0 && j < dh; j++)
                                pre_norm[c * dh + j] -= mean;
                        hap_norm_apply(&norm, 1, dh, pre_norm + c * dh, &zero, &rstd[c], vector);
                }
                hap_rotate(engine, heads->layer, rows->first[at] + r - rows->start[at], 1,
                           vector);
        }
}

int hap_heads_alloc(struct hap_heads *heads, struct hap_scratch *scratch,
                   const struct hap_batch *batch, bool gradients)
{
        const int dh = scratch->engine->model->config.d_head;
        const bool q_norm = scratch->engine->model->config.qk_norm;
        const size_t nq = (size_t)heads->q_rows->n * heads->n;
        const size_t nk = (size_t)heads->kv_rows->n * heads->n_kv;
        size_t p = 0;

        for (int at = 0; at < batch->n; at++) {
                const size_t n = (size_t)(heads->q_rows->start[at + 1] - heads->q_rows->start[at]) *
                                 batch->prompts[at]->n_tokens;

                p = gradients ? p + n : (n > p ? n : p);
        }
        heads->q = hap_scratch_alloc(scratch, nq * dh, sizeof(float));
        heads->k = hap_scratch_alloc(scratch, nk * dh, sizeof(float));
        heads->v = hap_scratch_alloc(scratch, nk * dh, sizeof(float));
        heads->head_output = hap_scratch_alloc(scratch, nq * dh, sizeof(float));
        heads->p = hap_scratch_alloc(scratch, gradients ? p * heads->n : p, sizeof(float));
        if (q_norm) {
                heads->q_pre_norm = hap_scratch_alloc(scratch, nq * dh, sizeof(float));
                heads->k_pre_norm = hap_scratch_alloc(scratch, nk * dh, sizeof(float));
                heads->q_rstd = hap_scratch_alloc(scratch, nq, sizeof(float));
                heads->k_rstd = hap_scratch_alloc(scratch, nk, sizeof(float));
        }
        return scratch->error.code;
}
