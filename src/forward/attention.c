#include "forward/attention.h"

#include <math.h>
#include <string.h>

#include "forward/activation.h"
#include "forward/blas.h"
#include "forward/norm.h"

/* A part of the attention matrix of one head and prompt: some queries, and the tokens from
 * `begin` to `end` that these may see:
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
        int first_key;              /* of the rows of this run; before: the prompt's */
        int begin, end;             /* tokens: all, or in a long prompt those that are seen */
        const float *prefix_k, *prefix_v;
        int ld_prefix;
        const float *q, *k, *v;
        int ld_q, ld_kv;
        float *p; /* [n_queries][n_tokens]; only tokens begin … end - 1 are read */
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
                .first_key = kr->first[at],
                .end = prompt->n_tokens,
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

/* The keys [*from, *to) that the query of a token may see; in a tree it may see some of them. */
static void visible_keys(const struct block *b, int position, int *from, int *to)
{
        const int n = b->prompt->n_tokens;

        *from = 0;
        if (b->prompt->depth != NULL) {
                *to = position + 1;
                return;
        }
        *to = b->config->causal ? position + 1 : n;
        if (b->window > 0 && position + 1 > b->window)
                *from = position + 1 - b->window;
}

/* Whether a query may see a key that is not after it, in a tree. */
static bool sees(const struct block *b, int query, int key)
{
        const int *depth = b->prompt->depth;

        return query < b->prompt->end[key] &&
               (b->window <= 0 || depth[query] - depth[key] < b->window);
}

static int position_of(const struct block *b, int token)
{
        return hap_prompt_token_position(b->prompt, token);
}

/* The next queries of a block, from *next on: all in a short prompt, some in a long one, with the
 * tokens that they see. */
static bool next_queries(const struct block *whole, int *next, struct block *b)
{
        const int left = whole->n_queries - *next;
        int unused;

        *b = *whole;
        if (left <= 0)
                return false;
        if (hap_attention_is_long(b->prompt)) {
                b->n_queries = left < hap_long_prompts.queries ? left : hap_long_prompts.queries;
                b->first_query += *next;
                b->q += (size_t)*next * b->ld_q;
                visible_keys(b, b->first_query, &b->begin, &unused);
                visible_keys(b, b->first_query + b->n_queries - 1, &unused, &b->end);
        }
        *next += b->n_queries;
        return true;
}

/* Keys and values of a block: those of the counterfactual, and those of this run. */
struct keys {
        int begin, n; /* tokens */
        const float *k, *v;
        int ld;
};

static struct keys prefix_keys(const struct block *b)
{
        const int end = b->end < b->first_key ? b->end : b->first_key;

        if (end <= b->begin)
                return (struct keys){0};
        return (struct keys){b->begin, end - b->begin, b->prefix_k + (size_t)b->begin * b->ld_prefix,
                             b->prefix_v + (size_t)b->begin * b->ld_prefix, b->ld_prefix};
}

static struct keys run_keys(const struct block *b)
{
        const int begin = b->begin > b->first_key ? b->begin : b->first_key;
        const size_t rows = (size_t)(begin - b->first_key);

        return (struct keys){begin, b->end - begin, b->k + rows * b->ld_kv,
                             b->v + rows * b->ld_kv, b->ld_kv};
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
                for (int j = b->begin; j < b->end; j++)
                        b->p[(size_t)i * n + j] +=
                                b->config->alibi_bf16
                                        ? b->config->attention_scale *
                                                  round_bf16(round_bf16(b->slope) *
                                                             (float)position_of(b, j))
                                        : b->slope * (float)(position_of(b, j) -
                                                             position_of(b, b->first_query + i));
}

static void scores(const struct block *b)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const struct keys prefix = prefix_keys(b), run = run_keys(b);
        const float scale = b->scale;

        if (prefix.n > 0)
                hap_gemm(false, true, b->n_queries, prefix.n, dh, scale, b->q, b->ld_q, prefix.k,
                         prefix.ld, 0, b->p + prefix.begin, n);
        hap_gemm(false, true, b->n_queries, run.n, dh, scale, b->q, b->ld_q, run.k, run.ld, 0,
                 b->p + run.begin, n);
        if (b->slope != 0)
                add_alibi(b);
        for (int i = 0; b->config->attention_cap > 0 && i < b->n_queries; i++)
                hap_soft_cap((size_t)(b->end - b->begin), b->config->attention_cap,
                             b->p + (size_t)i * n + b->begin);
}

static void softmax(const struct block *b, int n, float *row)
{
        if (b->sink != NULL)
                hap_softmax_sink(n, row, *b->sink);
        else
                hap_softmax(n, row);
}

/* One row of a tree: the keys that the query sees are moved together and back. */
static void normalise_tree(const struct block *b, int query, float *row)
{
        int n = 0;

        for (int j = b->begin; j <= query; j++)
                if (sees(b, query, j))
                        row[b->begin + n++] = row[j];
        softmax(b, n, row + b->begin);
        for (int j = b->end - 1; j >= b->begin; j--)
                row[j] = j <= query && sees(b, query, j) ? row[b->begin + --n] : 0;
}

static void normalise(const struct block *b)
{
        const int n = b->prompt->n_tokens;

        for (int i = 0; i < b->n_queries; i++) {
                float *row = b->p + (size_t)i * n;
                int from, to;

                if (b->prompt->depth != NULL) {
                        normalise_tree(b, b->first_query + i, row);
                        continue;
                }
                visible_keys(b, b->first_query + i, &from, &to);
                memset(row + b->begin, 0, (size_t)(from - b->begin) * sizeof(*row));
                softmax(b, to - from, row + from);
                memset(row + to, 0, (size_t)(b->end - to) * sizeof(*row));
        }
}

/* z[query] = r · Σ_j p_j v_j, r the residual scale. */
static void add_values(const struct block *b, float *z)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const float r = b->config->residual_scale;
        const struct keys prefix = prefix_keys(b), run = run_keys(b);

        hap_gemm(false, false, b->n_queries, dh, run.n, r, b->p + run.begin, n, run.v, run.ld, 0,
                 z, b->ld_q);
        if (prefix.n > 0)
                hap_gemm(false, false, b->n_queries, dh, prefix.n, r, b->p + prefix.begin, n,
                         prefix.v, prefix.ld, 1, z, b->ld_q);
}

void hap_heads_attend(const struct hap_engine *engine, const struct hap_batch *batch,
                      struct hap_heads *heads, bool keep)
{
        const int dh = engine->model->config.d_head;
        float *p = heads->p;

        for (int i = 0; i < heads->n; i++) {
                for (int at = 0; at < batch->n; at++) {
                        const struct block whole = block_of(engine, batch, heads, i, at);
                        const bool kept = keep && !hap_attention_is_long(whole.prompt);
                        float *z = heads->head_output +
                                   (size_t)heads->q_rows->start[at] * whole.ld_q + (size_t)i * dh;
                        struct block b;

                        for (int next = 0, first = 0; next_queries(&whole, &next, &b);
                             first = next) {
                                b.p = kept || !keep ? p : heads->p_long;
                                scores(&b);
                                normalise(&b);
                                add_values(&b, z + (size_t)first * b.ld_q);
                        }
                        if (kept)
                                p += (size_t)whole.n_queries * whole.prompt->n_tokens;
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

                for (int j = b->begin; j < b->end; j++)
                        total += p[j] * row[j];
                for (int j = b->begin; j < b->end; j++)
                        row[j] = p[j] * (row[j] - total);
                if (s == NULL)
                        continue;
                for (int j = b->begin; j < b->end; j++) {
                        const float share = s[(size_t)i * n + j] / cap;

                        row[j] *= 1 - share * share;
                }
        }
}

/* dv += r pᵀ dz, dp = r dz vᵀ, r the residual scale, for one block. dv: the rows of this run; beta
 * 0: it is set. */
static void values_backward(const struct block *b, const float *dz, float *dp, float beta,
                            float *dv, int ld)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const float r = b->config->residual_scale;
        const struct keys prefix = prefix_keys(b), run = run_keys(b);
        const size_t rows = (size_t)(run.begin - b->first_key) * ld;

        hap_gemm(true, false, run.n, dh, b->n_queries, r, b->p + run.begin, n, dz, ld, beta,
                 dv + rows, ld);
        if (prefix.n > 0)
                hap_gemm(false, true, b->n_queries, prefix.n, dh, r, dz, ld, prefix.v, prefix.ld,
                         0, dp + prefix.begin, n);
        hap_gemm(false, true, b->n_queries, run.n, dh, r, dz, ld, run.v, run.ld, 0,
                 dp + run.begin, n);
}

/* dq = scale ds k, dk += scale dsᵀ q, ds from dp, for one block. dk: the rows of this run; beta 0:
 * it is set. s: room for the capped scores. */
static void pattern_backward(const struct block *b, float *dp, float *s, float beta, float *dq,
                             float *dk, int ld)
{
        const int dh = b->config->d_head, n = b->prompt->n_tokens;
        const float scale = b->scale;
        const struct keys prefix = prefix_keys(b), run = run_keys(b);
        const size_t rows = (size_t)(run.begin - b->first_key) * ld;

        if (s != NULL) {
                struct block again = *b;

                again.p = s;
                scores(&again);
        }
        softmax_backward(b, s, dp);
        hap_gemm(false, false, b->n_queries, dh, run.n, scale, dp + run.begin, n, run.k, run.ld,
                 0, dq, ld);
        if (prefix.n > 0)
                hap_gemm(false, false, b->n_queries, dh, prefix.n, scale, dp + prefix.begin, n,
                         prefix.k, prefix.ld, 1, dq, ld);
        hap_gemm(true, false, run.n, dh, b->n_queries, scale, dp + run.begin, n, b->q, b->ld_q,
                 beta, dk + rows, ld);
}

/* Sets n rows of dh values, ld apart, to zero. */
static void clear_rows(int n, int dh, float *x, int ld)
{
        for (int i = 0; i < n; i++)
                memset(x + (size_t)i * ld, 0, (size_t)dh * sizeof(*x));
}

/* The backward of one head and prompt. In a long prompt the softmax is computed again, in *p.
 * d_p: where d loss / d p of a prompt that is not long is stored, or NULL. dq NULL: the pattern is
 * a constant. */
static void head_backward(const struct block *whole, const float *dz, float *p, float *d_p,
                          float *dp, float *s, float *dq, float *dk, float *dv, int ld)
{
        const bool again = hap_attention_is_long(whole->prompt);
        const int dh = whole->config->d_head, n_keys = whole->prompt->n_tokens - whole->first_key;
        struct block b;

        if (again) {
                if (dq != NULL)
                        clear_rows(n_keys, dh, dk, ld);
                clear_rows(n_keys, dh, dv, ld);
        }
        for (int next = 0, first = 0; next_queries(whole, &next, &b); first = next) {
                b.p = p;
                if (again) {
                        scores(&b);
                        normalise(&b);
                }
                values_backward(&b, dz + (size_t)first * ld, dp, again ? 1 : 0, dv, ld);
                if (d_p != NULL && !again)
                        memcpy(d_p, dp, (size_t)b.n_queries * b.prompt->n_tokens * sizeof(*dp));
                if (dq != NULL)
                        pattern_backward(&b, dp, s, again ? 1 : 0, dq + (size_t)first * ld, dk,
                                         ld);
        }
}

int hap_heads_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       const struct hap_heads *heads, const float *dz, float *dq,
                       float *dk, float *dv)
{
        const struct hap_engine *engine = scratch->engine;
        const int dh = engine->model->config.d_head, ld = heads->n * dh;
        const bool capped = engine->model->config.attention_cap > 0;
        const bool constant = scratch->rules->constant_pattern;
        const size_t mark = scratch->used;
        size_t max = 0, p_at = 0;
        float *dp, *s = NULL;

        for (int at = 0; at < batch->n; at++) {
                const size_t n = hap_attention_size(heads, batch, at);

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
                        const struct block b = block_of(engine, batch, heads, i, at);
                        const size_t qo = (size_t)heads->q_rows->start[at] * ld + (size_t)i * dh;
                        const size_t ko = (size_t)heads->kv_rows->start[at] * ld + (size_t)i * dh;
                        const bool kept = !hap_attention_is_long(b.prompt);

                        head_backward(&b, dz + qo, kept ? heads->p + p_at : heads->p_long,
                                      heads->d_p != NULL ? heads->d_p + p_at : NULL, dp, s,
                                      constant ? NULL : dq + qo, dk + ko, dv + ko, ld);
                        if (kept)
                                p_at += (size_t)b.n_queries * b.prompt->n_tokens;
                }
        }
        if (constant) {
                memset(dq, 0, (size_t)heads->q_rows->n * ld * sizeof(*dq));
                memset(dk, 0, (size_t)heads->kv_rows->n * ld * sizeof(*dk));
        } else {
                hap_heads_rotate_back(engine, scratch->rules, heads, batch->n, 0, dq);
                hap_heads_rotate_back(engine, scratch->rules, heads, batch->n, 1, dk);
        }
        scratch->used = mark;
        return HAP_OK;
}
