/* Methods by masked runs: the gradient by the masks, and the removal of one edge at a
 * time. */
#ifndef HAP_ATTRIB_MASK_H
#define HAP_ATTRIB_MASK_H

#include "attrib/attrib.h"

/* d_z = d loss / d z of every edge ([n_edges]) at the masks z, the same for all prompts, summed
 * over batch b. HAP_EINPUT: it is not finite. */
int hap_mask_slope(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_scratch *scratch, size_t b, const float *z, float *d_z);

/* −d loss / d z at the masks of options.z, or at 1 without them. */
int hap_method_mask_gradient(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                             struct hap_error *err);
/* −d loss / d z, averaged over K runs in which all masks are (k + ½)/K, k = 0 … K − 1. For large K
 * the scores of all edges add up to the loss of the counterfactual minus that of the full
 * model. */
int hap_method_mask_ig(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                       struct hap_error *err);
/* Uniform gradient sampling (Li and Janson 2024, arXiv:2409.09951). In each of K runs of an
 * example, every edge has, with p = options.open_share, w = p (1 − p) and u uniform in (0, 1),
 *
 *      z = 1 − clip((u − p)/w + ½, 0, 1)
 *
 * so that z = 1 with probability p − w/2, 0 with 1 − p − w/2, and is uniform in between
 * otherwise. The score is the mean of −d loss / d z over the runs in which z of the edge is in
 * between (0 if there are none). Over such z the mean of the slope is the change of the loss
 * when the edge goes from closed to open, with other edges as the samples have them. */
int hap_method_ugs(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err);
/* The loss without the edge − the loss of the full model. */
int hap_method_exact(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                     struct hap_error *err);
/* The exact score once the circuit S of options.z is cut, minus the exact score: with L(A) the loss
 * of the model without the edges A,
 *
 *      (L(S ∪ e) − L(S)) − (L(e) − L())
 *
 * and 0 for the edges of S. Backups, which take over when S is gone, have positive scores: the
 * question is that of conditional co-ablation (Gong et al. 2026, arXiv:2607.01940), which measures
 * the change of the output in place of the loss. */
int hap_method_growth(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                      struct hap_error *err);

#endif
