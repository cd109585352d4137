/* What families with a mixture of experts share. */
#ifndef HAP_MODEL_MOE_LIKE_H
#define HAP_MODEL_MOE_LIKE_H

#include "model/blueprint.h"

/* Reads the numbers of experts, from the key `experts` and "num_experts_per_tok", with their
 * defaults. */
void hap_experts_sizes(struct hap_blueprint *blueprint, const char *experts, int usual,
                       int usual_used);
/* Names of experts as in Qwen 3 MoE and OLMoE, whose weights are those of all experts' softmax
 * unless "norm_topk_prob". */
void hap_experts_apart(struct hap_blueprint *blueprint);

#endif
