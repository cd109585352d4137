/* Information flow routes: what a reader's input consists of. */
#ifndef HAP_ATTRIB_FLOW_H
#define HAP_ATTRIB_FLOW_H

#include "attrib/attrib.h"

/* Ferrando and Voita 2024 (arXiv:2403.00824), as the EAP-IG library computes it for edges: the
 * share of writer w in the input x_r of reader r, in the clean run,
 *
 *      c_w = max(0, |x_r|₁ − |x_r − a_w|₁),   S[w→r] = mean over positions of c_w / Σ_u c_u
 *
 * over all positions of the prompt; where Σ c = 0 the shares are 0. Neither the loss nor the
 * counterfactual is used. */
int hap_method_ifr(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err);

#endif
