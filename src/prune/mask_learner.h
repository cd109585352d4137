/* Recipes that learn the log-odds of edges by gradient descent, with a penalty on open edges
 * instead of a target for their number. Adam minimises, with batches of prompts,
 *
 *      mean KL(full || masked) + penalty
 *
 * The circuit is the edges with log-odds above 0, or if a size is given, the edges with the
 * highest.
 *
 * subnetwork-probing (Cao et al. 2021, arXiv 2104.03514), on edges, with the constants of the
 * program of Conmy et al. (2023). Masks are hard concrete (hard_concrete.h), with u limited to
 * [1e-4, 1 − 1e-4] and one sample a step, shared by the batch. With n edges the penalty is
 *
 *      λ/n Σ P(z > 0)
 *
 * The original cuts what a last sample leaves below ½; here the median sample decides, which is
 * above ½ where logα > 0.
 *
 * ugs, uniform gradient sampling (Li and Janson 2024, arXiv 2409.09951). Every prompt has several
 * masks. With p = σ(θ), w = p (1 − p) and u uniform in (0, 1),
 *
 *      z = 1 − clip((u − p)/w + ½, 0, 1),  dz/dθ = p (1 − p) where z is not clipped
 *
 * and the gradient of an edge is averaged over the runs with .001 < z < .999. Edges that are
 * dead in a run are closed there. With s of a head the sum of p over its edges, in and out, and M
 * heads in the model, the penalty is
 *
 *      λ Σ p + ν Σ_heads M/2 tanh(2 s / M)
 *
 * Gradients are clipped by their norm in each of four groups: edges from a head or not, into a
 * head or not. The original never changes the first token of a prompt. */
#ifndef HAP_PRUNE_MASK_LEARNER_H
#define HAP_PRUNE_MASK_LEARNER_H

#include "prune/pruning.h"

/* 0 with pruning->result, HAP_PRUNE_STOPPED, or an error. */
int hap_recipe_subnetwork_probing(struct hap_pruning *pruning, struct hap_error *err);
int hap_recipe_ugs(struct hap_pruning *pruning, struct hap_error *err);

#endif
