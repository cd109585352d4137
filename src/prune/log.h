/* What a recipe writes while it runs: a line of the log after each step, and checkpoints. */
#ifndef HAP_PRUNE_LOG_H
#define HAP_PRUNE_LOG_H

#include "prune/pruning.h"

/* A recipe stopped because pruning->stop was set. The checkpoint was written, if one was
 * asked for. */
#define HAP_PRUNE_STOPPED 1

/* Called once, after the recipe added its fields to pruning->checkpoint: adds the shared fields,
 * reads the checkpoint if it exists (pruning->resumed is then true) and opens the log. The
 * recipe has `steps` steps in all.
 * HAP_EINPUT: the checkpoint cannot be used, or steps of the checkpoint are missing in the log.
 * HAP_ESYSTEM: a file cannot be read or written. */
int hap_prune_resume(struct hap_pruning *pruning, int64_t steps, struct hap_error *err);

/* Called after each step: counts it, logs and reports it, and writes a checkpoint when one
 * is due. HAP_PRUNE_STOPPED when the recipe must stop. */
int hap_prune_step_done(struct hap_pruning *pruning, const struct hap_prune_step *step,
                        struct hap_error *err);

/* Does step number `step` of `steps`, from 0: run(context, step, status, err) fills the rest of
 * *status, then the step is done as above. An error's message begins with the step's number. */
int hap_prune_take_step(struct hap_pruning *pruning, long step, long steps,
                        int (*run)(void *context, long step, struct hap_prune_step *status,
                                   struct hap_error *err),
                        void *context, struct hap_error *err);

/* Whether pruning->stop is set, on any rank. */
bool hap_prune_stopping(const struct hap_pruning *pruning);

/* Writes a checkpoint of the state after the last step and returns HAP_PRUNE_STOPPED. */
int hap_prune_stop(struct hap_pruning *pruning, struct hap_error *err);

#endif
