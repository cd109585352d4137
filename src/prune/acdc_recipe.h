/* Recipe acdc: Automatic Circuit DisCovery (Conmy et al. 2023, arXiv 2304.14997), as its authors'
 * program does it. Readers are visited from the logits to the first layer, and of each reader its
 * edges from the last writer to the first; a head's v comes before its k and q, and the last head
 * first. An edge is cut for good if the loss L then rises by less than the threshold:
 *
 *      L(without the edge) − L(now) < threshold
 *
 * where L is the mean over the prompts and `now` has the edges cut so far. Edges into a node
 * whose output is no longer used are cut without a test, and edges that die with an edge are cut
 * with it, which changes nothing under interchange ablation.
 * The original also tests an edge from each input of a head's q, k and v to its projection, which
 * this graph does not have. */
#ifndef HAP_PRUNE_ACDC_RECIPE_H
#define HAP_PRUNE_ACDC_RECIPE_H

#include "prune/pruning.h"

/* 0 with pruning->result, HAP_PRUNE_STOPPED, or an error. With a size instead of a threshold, the
 * threshold is searched by bisection of its logarithm between 1e-6 and 1e2; of the circuits tried,
 * the largest that is not too large is the result. */
int hap_recipe_acdc(struct hap_pruning *pruning, struct hap_error *err);

#endif
