/* What the attention heads do in full runs of the clean prompts: to which tokens they attend,
 * and what they write to the logits. */
#ifndef HAP_EVAL_HEAD_VALUES_H
#define HAP_EVAL_HEAD_VALUES_H

#include "data/prompts.h"

/* The attention that an example's head gives to some keys, summed over the keys and averaged over
 * the queries for which there are such keys. */
enum hap_attention_kind {
        HAP_TO_PREVIOUS,  /* the token before; queries: all tokens */
        HAP_TO_DUPLICATE, /* earlier tokens that equal the query's token; queries: the named
                           * positions, or all tokens if the example names none */
        HAP_TO_INDUCTION, /* tokens after such a token: prefix matching (Olsson et al. 2022,
                           * arXiv:2209.11895); the same queries */
        HAP_TO_ANSWER,    /* tokens that are right answers; queries: the answer positions */
        HAP_TO_REPEAT,    /* the last token that is a wrong answer and occurred before; queries:
                           * the answer positions */
        HAP_ATTENTION_KINDS
};

/* Values of all heads on each example. Heads are numbered layer · heads of a layer + head. */
struct hap_head_values {
        int n_heads, n_writers;
        int n_names;              /* named positions, those of the first example */
        const char *const *names; /* borrowed from it */
        size_t n, stride, d_model;
        double *values;   /* [n][stride]; NaN: not defined for the example */
        double *mean;     /* [stride]: over the examples that have the value; NaN: none */
        size_t *examples; /* [stride]: their number */
        /* The direct effect of an output a at answer position i of an example is a · direction
         * (see hap_head_values_observe); the example's rows begin at start. */
        float *direction; /* [answer positions of all examples][d_model] */
        size_t *start;    /* [n + 1]: in rows */
};

/* Indices of values of an example, and of their means. */
static inline size_t hap_value_attention(const struct hap_head_values *v,
                                         enum hap_attention_kind kind, int head)
{
        return (size_t)kind * (size_t)v->n_heads + (size_t)head;
}
/* Attention from a named position to another one. */
static inline size_t hap_value_named(const struct hap_head_values *v, int from, int to, int head)
{
        return ((size_t)HAP_ATTENTION_KINDS + (size_t)(from * v->n_names + to)) *
                       (size_t)v->n_heads + (size_t)head;
}
static inline size_t hap_value_direct(const struct hap_head_values *v, int writer)
{
        return hap_value_named(v, v->n_names, 0, 0) + (size_t)writer;
}
/* The logit difference, or what replaces it. */
static inline size_t hap_value_logits(const struct hap_head_values *v)
{
        return hap_value_direct(v, v->n_writers);
}

/* Runs the clean prompts, each from its first token on, and fills *values; the examples must
 * outlive it.
 *
 * The direct effect of a writer (direct logit attribution, Wang et al. 2022, arXiv:2211.00593) is
 * the part of the logit difference that is linear in its output a at the answer position, with the
 * final norm's mean and scale held at those of the clean run:
 *
 *      a · direction,  direction = C (gain ∘ (Ū_right − Ū_wrong)) / σ · logit scale
 *
 * with U the unembedding's rows, averaged over the answers, and for LayerNorm C = I − 11ᵀ/d.
 * Without wrong answers, Ū_wrong is the mean of all rows. The direct effects of all writers and
 * what no writer writes (position embeddings, biases) sum to the logit difference, before the cap
 * of a model that caps its logits.
 *
 * HAP_EINPUT: an example has no right answers or too many tokens, or its logits are not finite. On
 * failure nothing is to be released. */
int hap_head_values_observe(struct hap_head_values *values, const struct hap_engine *engine,
                            const struct hap_prompts *prompts, struct hap_error *err);
void hap_head_values_release(struct hap_head_values *values);

/* The writer of a head. */
int hap_head_of(const struct hap_graph *graph, int head);

/* The heads' direct effects in a masked run of the prompts with masks z ([n_edges]), averaged over
 * the examples, with the directions of `values`: effect[n_heads]. */
int hap_head_values_masked(const struct hap_head_values *values, const struct hap_engine *engine,
                           const struct hap_prompts *prompts, const float *z, double *effect,
                           struct hap_error *err);

#endif
