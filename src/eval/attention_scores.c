#include "eval/attention_scores.h"

#include <math.h>
#include <string.h>

#include "forward/run_values.h"

/* --- the keys of a query, by kind: flags keys[0 … query], and returns whether there are any --- */

static bool is_one_of(int32_t token, const int32_t *list, int n)
{
        for (int i = 0; i < n; i++)
                if (list[i] == token)
                        return true;
        return false;
}

static bool is_answer_position(const struct hap_example *e, int t)
{
        return t >= e->answer_first && t < e->answer_first + e->n_answer_positions;
}

/* A query for repeated tokens: a named position, or any if there are no names. */
static bool is_named(const struct hap_example *e, int t)
{
        for (int i = 0; i < e->n_named; i++)
                if (e->named_at[i] == t)
                        return true;
        return e->n_named == 0;
}

static bool previous_keys(const struct hap_example *e, int query, bool *keys)
{
        (void)e;
        if (query > 0)
                keys[query - 1] = true;
        return query > 0;
}

/* The tokens `after` positions after an earlier token that equals the query's. */
static bool repeated_keys(const struct hap_example *e, int query, int after, bool *keys)
{
        bool any = false;

        for (int t = 0; t + after < query && is_named(e, query); t++)
                if (e->clean[t] == e->clean[query])
                        any = keys[t + after] = true;
        return any;
}

static bool duplicate_keys(const struct hap_example *e, int query, bool *keys)
{
        return repeated_keys(e, query, 0, keys);
}

static bool induction_keys(const struct hap_example *e, int query, bool *keys)
{
        return repeated_keys(e, query, 1, keys);
}

static bool answer_keys(const struct hap_example *e, int query, bool *keys)
{
        bool any = false;

        for (int t = 0; t <= query && is_answer_position(e, query); t++)
                if (is_one_of(e->clean[t], e->answers, e->n_answers))
                        any = keys[t] = true;
        return any;
}

static bool repeat_keys(const struct hap_example *e, int query, bool *keys)
{
        for (int t = query; t > 0 && is_answer_position(e, query); t--)
                if (is_one_of(e->clean[t], e->wrongs, e->n_wrongs) &&
                    is_one_of(e->clean[t], e->clean, t))
                        return keys[t] = true;
        return false;
}

static bool (*const keys_of[HAP_ATTENTION_KINDS])(const struct hap_example *, int, bool *) = {
        [HAP_TO_PREVIOUS] = previous_keys,   [HAP_TO_DUPLICATE] = duplicate_keys,
        [HAP_TO_INDUCTION] = induction_keys, [HAP_TO_ANSWER] = answer_keys,
        [HAP_TO_REPEAT] = repeat_keys,
};

/* --- scores --- */

/* One prompt of the batch. */
struct patterns {
        const struct hap_batch *batch;
        const struct hap_full_run *run;
        int n_layers, n_heads;
        int at, n; /* its number and its tokens */
};

/* The attention of a head, [n][n]. */
static const float *pattern_of(const struct patterns *p, int head)
{
        return hap_full_pattern(p->batch, p->run, head / p->n_heads, head % p->n_heads, p->at);
}

static void score_kind(const struct patterns *p, const struct hap_example *e,
                       enum hap_attention_kind kind, bool *keys, double *out)
{
        const int n_heads = p->n_layers * p->n_heads;
        int queries = 0;

        for (int h = 0; h < n_heads; h++)
                out[h] = 0;
        for (int q = 0; q < p->n; q++) {
                memset(keys, 0, (size_t)p->n * sizeof *keys);
                if (!keys_of[kind](e, q, keys))
                        continue;
                queries++;
                for (int h = 0; h < n_heads; h++) {
                        const float *row = pattern_of(p, h) + (size_t)q * (size_t)p->n;

                        for (int k = 0; k < p->n; k++)
                                out[h] += keys[k] ? (double)row[k] : 0;
                }
        }
        for (int h = 0; h < n_heads; h++)
                out[h] = queries ? out[h] / queries : NAN;
}

static void score_named(const struct hap_head_values *v, const struct patterns *p,
                        const struct hap_example *e, double *values)
{
        for (int from = 0; from < v->n_names; from++)
                for (int to = 0; to < v->n_names; to++) {
                        const int q = hap_example_position(e, v->names[from]);
                        const int k = hap_example_position(e, v->names[to]);
                        double *out = values + hap_value_named(v, from, to, 0);

                        for (int h = 0; h < v->n_heads; h++)
                                out[h] = q < 0 || k < 0 ? NAN
                                                        : (double)pattern_of(p, h)[q * p->n + k];
                }
}

void hap_attention_scores(const struct hap_head_values *values, const struct hap_engine *engine,
                          const struct hap_batch *batch, const struct hap_full_run *run,
                          const struct hap_example *examples, bool *keys, double *out)
{
        struct patterns p = {.batch = batch, .run = run, .n_layers = engine->graph.n_layers,
                             .n_heads = engine->graph.n_heads};

        for (; p.at < batch->n; p.at++, out += values->stride) {
                const struct hap_example *e = examples + p.at;

                p.n = batch->prompts[p.at]->n_tokens;
                for (int kind = 0; kind < HAP_ATTENTION_KINDS; kind++)
                        score_kind(&p, e, (enum hap_attention_kind)kind, keys,
                                   out + hap_value_attention(values, (enum hap_attention_kind)kind,
                                                             0));
                score_named(values, &p, e, out);
        }
}
