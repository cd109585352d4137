/* Counterfactuals that are made again by every run instead of being kept: the outputs of all writers
 * in a prompt's corrupted run are by far the largest part of a prompt (writers x tokens x width
 * numbers; at Llama 3 8B's shape 294 MB for 17 tokens). */
#ifndef HAP_FORWARD_REMAKE_H
#define HAP_FORWARD_REMAKE_H

#include "forward/batch.h"

/* made[i] = the counterfactual of prompt i, for all n prompts. If it has tokens and no data, the
 * corrupted prompts are run together, and the data are in the scratch from then on. Prompts that
 * are prepared (prompt.h) are run from `first` on. answer_rows_only: in the last layer only the
 * answers' rows are made, as in masked runs. */
int hap_remake(struct hap_scratch *scratch, const struct hap_prompt *const *prompts, int n,
               bool answer_rows_only, struct hap_counterfactual *made);

#endif
