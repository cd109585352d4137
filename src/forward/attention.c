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
        const float *sink;          /* the head's, or NULL */
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
        const float *sinks = engine->model->layers[heads->layer].sinks;
        const int dh = config->d_head;
        const int group = heads->head[i] / (config->n_heads / config->n_kv_heads);
        const size_t prefix = (size_t)heads->layer * prompt->n_tokens *
                              (size_t)(config->n_kv_heads * dh) + (size_t)group * dh;
        struct block block = {
                .config = config,
                .prompt = prompt,
                .window = engine->model->layers[heads->layer].window,
                .sink = sinks ? sinks + heads->head[i] : NULL,
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
                if (b->sink != NULL)
                        hap_softmax_sink(to - from, row + from, *b->sink);
                else
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

/* dv = r pᵀ dz, dp = r dz vᵀ, r the residual scale, dq = scale ds k, dk = scale dsᵀ q, for one block. */
static void block_backward(const struct block *b, const float *dz, float *dp,
                           float *s, float *dq, float *dk, float *dv, int ld)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const float scale = b->scale, r = b->config->residual_scale;

        hap_gemm(true, false, b->n_keys, dh, b->n_queries, r, b->p + b->first_key, n,
                 dz, ld, 0, dv, ld);
        if (b->first_key > 0)
                hap_gemm(false, true, b->n_queries, b->first_key, dh, r, dz, ld,
                         b->prefix_v, b->ld_prefix, 0, dp, n);
        hap_gemm(false, true, b->n_queries, b->n_keys, dh, r, dz, ld, b->v, b->ld_kv,
                 0, dp + b->first_key, n);
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
                        block_backward(&b, dz + qo, dp, s, dq + qo, dk + ko, dv + ko, ld);
                        p_at += (size_t)b.n_queries * b.prompt->n_tokens;
                }
        }
        hap_heads_rotate_back(engine, heads, batch->n, 0, dq);
        hap_heads_rotate_back(engine, heads, batch->n, 1, dk);
        scratch->used = mark;
        return HAP_OK;
}
