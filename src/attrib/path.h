/* Methods by gradients along a path of inputs. */
#ifndef HAP_ATTRIB_PATH_H
#define HAP_ATTRIB_PATH_H

#include "attrib/attrib.h"

/* Conductance (Dhamdhere et al. 2018, arXiv:1805.12233; of edges: arXiv:2606.16920): with a_w(k)
 * and g_r(k) those of the run whose input is a' + k/K (a − a'),
 *
 *      S[w→r] = Σ_{k < K} (a_w(k) − a_w(k + 1)) · g_r(k)
 *
 * For large K the scores of all edges into the logits add up to the change of the loss. */
int hap_method_conductance(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                           struct hap_error *err);

/* EAP-GP (Zhang et al. 2025, arXiv:2502.06852): the gradient is averaged over the points 1 … K of
 * a path of token embeddings x that starts at the clean prompt and goes to where the logits G are
 * those of the counterfactual input x', in steps of length 1 (of all positions together):
 *
 *      x(k + 1) = x(k) − d/|d|,  d = ∂ |G(x(k)) − G(x')|² / ∂x(k)
 *
 * G are the logits at the answer positions. The other writer of a split input does not change. */
int hap_method_eap_gp(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                      struct hap_error *err);

#endif
