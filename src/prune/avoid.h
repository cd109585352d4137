/* Rival circuits: the search for a circuit that shares few edges with one that is known (--avoid).
 * Every recipe then minimises, instead of KL alone,
 *
 *      KL + weight · |C ∩ A| / |A|
 *
 * for the circuit C and the edges A to avoid, and with masks z
 *
 *      KL + weight / |A| · Σ_{e in A} z_e */
#ifndef HAP_PRUNE_AVOID_H
#define HAP_PRUNE_AVOID_H

#include "prune/pruning.h"

/* Reads the circuits of options.avoid, if there are any, after hap_pruning_init. The errors are
 * those of hap_circuit_files_read. */
int hap_prune_avoid_read(struct hap_pruning *pruning, const char *examples_name,
                         struct hap_error *err);

/* After the recipe: takes the cost of shared edges out of pruning->kl, and out of all later
 * losses, and counts them. */
void hap_prune_avoid_end(struct hap_pruning *pruning);

/* Adds "avoided" to the header's "pruning": {"weight", "edges", "shared", "iou"}, of this
 * circuit. */
void hap_prune_avoid_describe(const struct hap_pruning *pruning, const struct hap_pruned *pruned,
                              json_t *description);

#endif
