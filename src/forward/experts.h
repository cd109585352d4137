/* A mixture of experts in place of an MLP: a router chooses n_used of a layer's experts for each
 * row, and their outputs are added with the router's weights.
 *
 * In a graph with experts, each of them is a node: its output is w_e · expert_e(x) at the rows that
 * chose it, and zero at others. The weights w are frozen: a prompt brings those of the full
 * model's run (hap_prompt.gates), whatever the masks; without them the run's own router chooses.
 * No gradient passes through the router. */
#ifndef HAP_FORWARD_EXPERTS_H
#define HAP_FORWARD_EXPERTS_H

#include "forward/batch.h"
#include "forward/mlp.h"

/* Allocates what backward needs. */
int hap_experts_alloc(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients);
/* out[t] = Σ over the chosen e of w_e[t] · expert_e(x[t]), [rows][d_model]; mlp->x and its
 * statistics are there. With the router's logits r = W x + b, the chosen are the n_used largest,
 * the first of equals, and w = softmax(r), over the chosen or over all (route_all). */
int hap_experts_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients,
                        float *out);
/* g = d loss / d x, before the pre-norm's own part, from d_out. The choice is constant; the
 * weights w pass a gradient to the router. */
int hap_experts_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp,
                         const float *d_out, float *g);

/* --- experts as nodes; mlp is from hap_mlp_alloc --- */

/* Which rows each expert computes, with which weights: those of the prompts, or those of the
 * router, which reads mlp->x and its statistics. rows: those of the mlp. HAP_EINPUT: the weights
 * must be those of the prompts (frozen), and there are none. */
int hap_experts_choose(struct hap_scratch *scratch, struct hap_mlp *mlp,
                       const struct hap_batch *batch, const struct hap_rows *rows, bool frozen);
/* The input of an expert, [rows][d_model], and its statistics, [rows]. */
struct hap_expert_input {
        const float *x, *mean, *rstd;
};
/* out += w_e · expert_e(x), [rows][d_model]; rows that did not choose it do not change. */
int hap_expert_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, int e,
                       const struct hap_expert_input *in, bool gradients, float *out);
/* g = d loss / d x from d_out = d loss / d output; zero at rows that did not choose it. */
int hap_expert_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp, int e,
                        const struct hap_expert_input *in, const float *d_out, float *g);

#endif
