/* Runs the recipe that the options name. */
#ifndef HAP_PRUNE_RECIPES_H
#define HAP_PRUNE_RECIPES_H

#include "prune/pruning.h"

/* 0: pruning->result is the circuit. HAP_PRUNE_STOPPED (prune/log.h): pruning->stop was
 * set before the end. Otherwise an error. */
int hap_pruning_run(struct hap_pruning *pruning, struct hap_error *err);

#endif
