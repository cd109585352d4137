/* The MLP of one layer, with its pre-norm and post-norm. */
#ifndef HAP_FORWARD_MLP_H
#define HAP_FORWARD_MLP_H

#include "forward/scratch.h"

/* What a mixture of experts chose (experts.h). A pair is an expert and a row that it computes;
 * pairs are ordered by expert, then by row. There are rows · n_used. */
struct hap_routing {
        int *start;         /* [n_experts + 1]: the first pair of each expert */
        int *row;           /* [pairs] */
        float *weight;      /* [pairs] */
        float *probability; /* [rows][n_experts]: the softmax; 0 for experts that do not count */
        float *hidden;      /* [pairs][d_mlp], with gradients */
};

struct hap_mlp {
        int layer, rows;
        const float *x; /* [rows][d_model], not owned; backward reads it again */
        float *mean, *rstd; /* [rows], of x */
        /* With gradients: d hidden / d in and d hidden / d gate by the rules of the run,
         * [rows][d_mlp], or for each pair of a mixture of experts. */
        float *slope, *slope_gate;
        struct hap_routing routing;
        /* The output before the post-norm, [rows][d_model], and its statistics; NULL
         * without one. */
        float *pre_norm, *pre_norm_mean, *pre_norm_rstd;
};

/* Allocates what outlives the forward: statistics, slopes, the routing. Errors are in
 * scratch->error. */
int hap_mlp_alloc(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients);
/* out = the MLP's output, [rows][d_model]. The caller sets layer, rows and x. gradients:
 * keep the slopes. Errors are in scratch->error. */
int hap_mlp_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients,
                    float *out);
/* g = d loss / d x from d_out = d loss / d out; both [rows][d_model]. */
int hap_mlp_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp,
                     const float *d_out, float *g);

#endif
