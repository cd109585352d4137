/* What a run has computed, for those who look at it from outside of the engine. Valid until the
 * scratch of the run is used again. */
#ifndef HAP_FORWARD_RUN_VALUES_H
#define HAP_FORWARD_RUN_VALUES_H

#include "forward/full_run.h"
#include "forward/masked.h"

/* The residual stream of a full run with `gradients`, [rows][d_model], at the points that
 * hap_prompt.residual numbers: before the attention of layer l (2l), before its MLP (2l + 1),
 * before the logits (2 n_layers). At all rows of the batch, or with answer_rows_only from the
 * last layer's MLP on at the answers' rows. */
const float *hap_full_stream(const struct hap_engine *engine, const struct hap_full_run *run,
                             int point);

/* The attention of a head in a full run with `gradients` from the first token on:
 * [n_tokens][n_tokens] of the batch's prompt `at`, queries first. NULL if the prompt is long, so
 * that it is not kept (hap_attention_is_long). */
const float *hap_full_pattern(const struct hap_batch *batch, const struct hap_full_run *run,
                              int layer, int head, int at);

/* 1/σ of the final norm at an answer row of a full run. */
float hap_full_final_scale(const struct hap_full_run *run, size_t answer_row);

/* out = the output of a writer in a masked run of prompts with kept counterfactuals, at the k-th
 * answer position of the batch's prompt `at`: its counterfactual plus what the run adds.
 * out: [d_model]. */
void hap_masked_output(const struct hap_scratch *scratch, const struct hap_batch *batch,
                       const struct hap_masked *run, int at, int k, int writer, float *out);

#endif
