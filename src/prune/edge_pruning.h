/* Recipes edge-pruning and hap: a logα for every edge (and writer), learned through hard
 * concrete masks by AdamW, with a Lagrangian on the sparsity. The method, its constants and
 * its final threshold are those of Edge Pruning (Bhaskar et al. 2024, arXiv 2406.16778).
 * Recipe hap does the same within a subgraph. */
#ifndef HAP_PRUNE_EDGE_PRUNING_H
#define HAP_PRUNE_EDGE_PRUNING_H

#include "prune/pruning.h"

/* 0 with pruning->result, HAP_PRUNE_STOPPED, or an error. */
int hap_recipe_edge_pruning(struct hap_pruning *pruning, struct hap_error *err);

#endif
