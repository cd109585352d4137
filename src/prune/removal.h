/* What the removal of each edge of a circuit costs. */
#ifndef HAP_PRUNE_REMOVAL_H
#define HAP_PRUNE_REMOVAL_H

#include "prune/pruning.h"

/* cost[e] = KL(circuit without e) - KL(circuit) for the edges of the result and of the threshold
 * circuit, as the mean over options->cost_on random training prompts, or all if there are
 * fewer. Edges that die with e are removed too. Does nothing if cost_on is 0.
 * HAP_PRUNE_STOPPED (prune/log.h): pruning->stop is set. */
int hap_prune_removals(struct hap_pruning *pruning, struct hap_error *err);

#endif
