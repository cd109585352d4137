#include "forward/attention.h"

#include <math.h>
#include <string.h>

#include "forward/norm.h"

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

/* Rotates one head's vector x ([d_head]) by the angles of a position, in place
 * (sign = 1), or back (sign = −1). Does nothing in a model without rotary embedding. */
static void rotate(const struct hap_engine *engine, int layer, int position, float sign, float *x)
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

/* The norm of one head's queries, or of one group's keys. */
static struct hap_norm norm_of_head(const struct hap_config *config, const struct hap_norm *norm,
                                    int head)
{
        struct hap_norm of = *norm;

        if (config->qk_norm_each && of.gain != NULL)
                of.gain += (size_t)head * config->d_head;
        return of;
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

/* One kind of projections of some heads: queries or keys. */
struct projections {
        const struct hap_config *config;
        const struct hap_norm *norm; /* of the layer */
        const struct hap_rows *rows;
        int blocks;
        float *x;               /* [rows][blocks · d_head] */
        float *pre_norm, *rstd; /* NULL without this norm; [rows][blocks] */
};

static struct projections projections_of(const struct hap_engine *engine,
                                         const struct hap_heads *heads, int which)
{
        const struct hap_layer *layer = &engine->model->layers[heads->layer];
        const bool q = which == 0;

        return (struct projections){
                .config = &engine->model->config,
                .norm = q ? &layer->q_norm : &layer->k_norm,
                .rows = q ? heads->q_rows : heads->kv_rows,
                .blocks = q ? heads->n : heads->n_kv,
                .x = q ? heads->q : heads->k,
                .pre_norm = q ? heads->q_pre_norm : heads->k_pre_norm,
                .rstd = q ? heads->q_rstd : heads->k_rstd,
        };
}

/* Statistics of one vector's norm; keeps the vector, centred for LayerNorm. */
static void norm_stats(const struct projections *p, size_t c)
{
        const int dh = p->config->d_head;
        float *pre_norm = p->pre_norm + c * dh;
        float mean;

        memcpy(pre_norm, p->x + c * dh, (size_t)dh * sizeof(*pre_norm));
        hap_norm_stats(p->config, 1, dh, pre_norm, &mean, &p->rstd[c]);
        for (int j = 0; mean != 0 && j < dh; j++)
                pre_norm[j] -= mean;
}

/* The same where all heads share one RMSNorm: the mean square is that of all blocks of a row. */
static void norm_stats_together(const struct projections *p)
{
        const int width = p->blocks * p->config->d_head;

        memcpy(p->pre_norm, p->x, (size_t)p->rows->n * width * sizeof(*p->x));
        for (int r = 0; r < p->rows->n; r++) {
                float *rstd = p->rstd + (size_t)r * p->blocks;
                float mean;

                hap_norm_stats(p->config, 1, width, p->pre_norm + (size_t)r * width, &mean, rstd);
                for (int i = 1; i < p->blocks; i++)
                        rstd[i] = rstd[0];
        }
}

static void rotate_block(const struct hap_engine *engine, const struct hap_heads *heads,
                         const struct projections *p, int which, int block)
{
        const struct hap_norm norm = norm_of_head(p->config, p->norm,
                                                  head_of_block(p->config, heads, which, block));
        const int dh = p->config->d_head;
        const float zero = 0;
        int at = 0;

        for (int r = 0; r < p->rows->n; r++) {
                const size_t c = (size_t)r * p->blocks + block;

                while (r >= p->rows->start[at + 1])
                        at++;
                if (norm.gain != NULL) {
                        if (!p->config->qk_norm_together)
                                norm_stats(p, c);
                        hap_norm_apply(&norm, 1, dh, p->pre_norm + c * dh, &zero, &p->rstd[c],
                                       p->x + c * dh);
                }
                rotate(engine, heads->layer, hap_rows_position(p->rows, at, r), 1,
                       p->x + c * dh);
        }
}

void hap_heads_rotate(const struct hap_engine *engine, struct hap_heads *heads, int which,
                      int block)
{
        const struct projections p = projections_of(engine, heads, which);

        if (!p.config->qk_norm_together)
                rotate_block(engine, heads, &p, which, block);
}

void hap_heads_rotate_together(const struct hap_engine *engine, struct hap_heads *heads, int which)
{
        const struct projections p = projections_of(engine, heads, which);

        if (!p.config->qk_norm_together)
                return;
        norm_stats_together(&p);
        for (int i = 0; i < p.blocks; i++)
                rotate_block(engine, heads, &p, which, i);
}

/* The norm that a head's queries or keys have had. */
static struct hap_norm norm_of(const struct projections *p, const struct hap_heads *heads,
                               int which, int i)
{
        const int per = which == 0 ? 1 : p->config->n_heads / p->config->n_kv_heads;

        return norm_of_head(p->config, p->norm, heads->head[i] / per);
}

/* Back through one RMSNorm over all n heads of a row: with the normed u_i, of the gradients d_i,
 * and t = Σ_i gain_i · d_i · u_i,
 *
 *      d_i = rstd · gain_i · d_i − u_i · rstd³ / (n · d_head) · t */
static void norm_together_back(const struct projections *p, const struct hap_rules *rules,
                               const struct hap_heads *heads,
                               int which, int row, float *d)
{
        const int dh = p->config->d_head;
        const float rstd = p->rstd[(size_t)row * p->blocks];
        float t = 0;

        for (int i = 0; i < heads->n; i++) {
                const struct hap_norm norm = norm_of(p, heads, which, i);
                const int block = which == 0 ? i : heads->kv[i];
                const float *u = p->pre_norm + ((size_t)row * p->blocks + block) * dh;

                for (int j = 0; j < dh; j++) {
                        d[i * dh + j] *= norm.gain[j];
                        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): kept for a norm */
                        t += d[i * dh + j] * u[j];
                }
        }
        t *= rules->constant_scale ? 0 : rstd * rstd * rstd / (float)(heads->n * dh);
        for (int i = 0; i < heads->n; i++) {
                const int block = which == 0 ? i : heads->kv[i];
                const float *u = p->pre_norm + ((size_t)row * p->blocks + block) * dh;

                for (int j = 0; j < dh; j++)
                        d[i * dh + j] = rstd * d[i * dh + j] - t * u[j];
        }
}

/* Back through the rotation and the norms of one row: d [n · d_head]. */
static void rotate_row_back(const struct hap_engine *engine, const struct hap_rules *rules,
                            const struct hap_heads *heads, const struct projections *p,
                            int which, int row, int position, float *d)
{
        const int dh = p->config->d_head;
        const float zero = 0;

        for (int i = 0; i < heads->n; i++) {
                const struct hap_norm norm = norm_of(p, heads, which, i);
                const size_t c = (size_t)row * p->blocks + (which == 0 ? i : heads->kv[i]);

                rotate(engine, heads->layer, position, -1, d + i * dh);
                if (p->pre_norm != NULL && !p->config->qk_norm_together)
                        hap_norm_apply_backward(p->config, rules, &norm, 1, dh,
                                                p->pre_norm + c * dh, &zero, &p->rstd[c], d + i * dh, d + i * dh);
        }
        if (p->config->qk_norm_together)
                norm_together_back(p, rules, heads, which, row, d);
}

void hap_heads_rotate_back(const struct hap_engine *engine, const struct hap_rules *rules,
                           const struct hap_heads *heads, int n_prompts, int which, float *d)
{
        const struct projections p = projections_of(engine, heads, which);
        const int width = heads->n * p.config->d_head;

        for (int at = 0; at < n_prompts; at++)
                for (int r = p.rows->start[at]; r < p.rows->start[at + 1]; r++)
                        rotate_row_back(engine, rules, heads, &p, which, r,
                                        hap_rows_position(p.rows, at, r),
                                        d + (size_t)r * width);
}

struct hap_long_prompts hap_long_prompts = {.length = 256, .queries = 64};

bool hap_attention_is_long(const struct hap_prompt *prompt)
{
        return prompt->n_tokens > hap_long_prompts.length;
}

size_t hap_attention_size(const struct hap_heads *heads, const struct hap_batch *batch, int at)
{
        const int queries = heads->q_rows->start[at + 1] - heads->q_rows->start[at];
        const bool some = hap_attention_is_long(batch->prompts[at]) &&
                          queries > hap_long_prompts.queries;

        return (size_t)(some ? hap_long_prompts.queries : queries) * (size_t)batch->prompts[at]->n_tokens;
}

int hap_heads_alloc(struct hap_heads *heads, struct hap_scratch *scratch,
                   const struct hap_batch *batch, bool gradients)
{
        const int dh = scratch->engine->model->config.d_head;
        const bool q_norm = scratch->engine->model->config.qk_norm;
        const size_t nq = (size_t)heads->q_rows->n * heads->n;
        const size_t nk = (size_t)heads->kv_rows->n * heads->n_kv;
        size_t p = 0, p_long = 0;

        for (int at = 0; at < batch->n; at++) {
                const size_t n = hap_attention_size(heads, batch, at);

                if (!gradients)
                        p = n > p ? n : p;
                else if (hap_attention_is_long(batch->prompts[at]))
                        p_long = n > p_long ? n : p_long;
                else
                        p += n;
        }
        heads->q = hap_scratch_alloc(scratch, nq * dh, sizeof(float));
        heads->k = hap_scratch_alloc(scratch, nk * dh, sizeof(float));
        heads->v = hap_scratch_alloc(scratch, nk * dh, sizeof(float));
        heads->head_output = hap_scratch_alloc(scratch, nq * dh, sizeof(float));
        heads->p = hap_scratch_alloc(scratch, gradients ? p * heads->n : p, sizeof(float));
        if (p_long > 0)
                heads->p_long = hap_scratch_alloc(scratch, p_long, sizeof(float));
        if (q_norm) {
                heads->q_pre_norm = hap_scratch_alloc(scratch, nq * dh, sizeof(float));
                heads->k_pre_norm = hap_scratch_alloc(scratch, nk * dh, sizeof(float));
                heads->q_rstd = hap_scratch_alloc(scratch, nq, sizeof(float));
                heads->k_rstd = hap_scratch_alloc(scratch, nk, sizeof(float));
        }
        return scratch->error.code;
}
