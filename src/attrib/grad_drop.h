/* The two corrections of AtP* (Kramár et al. 2024, arXiv:2403.00745), for edges. */
#ifndef HAP_ATTRIB_GRAD_DROP_H
#define HAP_ATTRIB_GRAD_DROP_H

#include "attrib/attrib.h"

/* Scores as the method's row says:
 *
 * drops_layers (GradDrop): with S_l[w→r] the score of eap by a gradient that does not pass through
 * the heads and the MLP of layer l, for each example
 *
 *      S[w→r] = 1/(L − 1) Σ_l |S_l[w→r]|
 *
 * (L = 1: the sum). A score of a node is the same of the sum of the edges from it.
 *
 * exact_patterns: for readers q and k of a head, with P the attention pattern of the clean run
 * and P' the one that is computed again, norm and softmax included, after a_w of the reader's
 * input became a'_w,
 *
 *      S[w→r] = Σ (P' − P) · ∂L/∂P */
int hap_method_grad_drop(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                         struct hap_error *err);

#endif
