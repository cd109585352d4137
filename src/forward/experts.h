/* A mixture of experts in place of an MLP: a router chooses n_used of a layer's experts for each
 * row, and their outputs are added with the router's weights. */
#ifndef HAP_FORWARD_EXPERTS_H
#define HAP_FORWARD_EXPERTS_H

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

#endif
