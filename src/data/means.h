/* The mean output of every writer over a set of prompts. */
#ifndef HAP_DATA_MEANS_H
#define HAP_DATA_MEANS_H

#include "data/examples.h"
#include "forward/counterfactual.h"
#include "forward/engine.h"

/* Prompts whose outputs are in memory at a time; the sums do not depend on it. */
#define HAP_MEANS_AT_ONCE 32

/* Runs the prompts of all examples that the ablation averages over (the clean ones, the
 * corrupted ones, or both), and makes *mean its counterfactual:
 *      one vector          [n_writers][d_model], over all positions of all prompts
 *      per position        [n_writers][longest][d_model], at each position over the
 *                          prompts that have it
 * Its data, f32, belong to the arena. Every position weighs the same. */
int hap_means(const struct hap_engine *engine, const struct hap_examples *examples,
              const struct hap_ablation *ablation, struct hap_arena *arena,
              struct hap_counterfactual *mean, struct hap_error *err);

#endif
