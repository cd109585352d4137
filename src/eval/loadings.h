/* Loadings: which later readers the effect of an edge passes.
 *
 * The effect of an edge u→r is its EAP score, Σ_t (a'_u[t] − a_u[t]) · g_r[t], averaged over the
 * examples, with g_r the gradient of the loss −logit-diff at reader r's input. If r belongs to
 * node n (a head's q, k or v, or an MLP), then g_r = J_nᵀ Σ_s g_s over all readers s of n's output,
 * where J_n is the derivative of n's output by x_r. So the effect is the sum over s of the
 * *loadings* Σ_t (a'_u[t] − a_u[t]) · (J_nᵀ g_s)[t]. An edge into the logits has its whole effect
 * there. */
#ifndef HAP_EVAL_LOADINGS_H
#define HAP_EVAL_LOADINGS_H

#include "data/prompts.h"

struct hap_loadings {
        size_t n;         /* edges */
        size_t *edges;    /* [n] */
        double *effect;   /* [n] */
        double *loading;  /* [n][n_readers] */
        int n_readers;
};

/* The loadings of the edges in `list`, names separated by commas, or if `list` is a number, of so
 * many edges with the largest effects in magnitude, without those into the logits. HAP_EUSAGE: the
 * graph has no such edge. HAP_EINPUT: an example lacks answers. On failure nothing is to be
 * released. */
int hap_loadings_find(struct hap_loadings *loadings, const char *list,
                      const struct hap_engine *engine, const struct hap_prompts *prompts,
                      const struct hap_ablation *ablation, struct hap_error *err);
void hap_loadings_release(struct hap_loadings *loadings);

#endif
