/* Attention scores of the heads of a full run. */
#ifndef HAP_EVAL_ATTENTION_SCORES_H
#define HAP_EVAL_ATTENTION_SCORES_H

#include "eval/head_values.h"
#include "forward/full_run.h"

/* Fills the attention values of the batch's examples, [batch->n][stride] from `out` on, from a run
 * that was made with `gradients`, of all tokens of every prompt, none of which is long. keys: room
 * for as many flags as the longest prompt has tokens. */
void hap_attention_scores(const struct hap_head_values *values, const struct hap_engine *engine,
                          const struct hap_batch *batch, const struct hap_full_run *run,
                          const struct hap_example *examples, bool *keys, double *out);

#endif
