/* The precision of a pruning's gradients. */
#ifndef HAP_PRUNE_PRECISION_H
#define HAP_PRUNE_PRECISION_H

#include "prune/pruning.h"

/* Whether the weights are to be packed for BF16: the option is bf16, or auto and the processor has
 * instructions for it. */
bool hap_prune_wants_bf16(const struct hap_prune_options *options);

/* Lets the gradients be computed in BF16 if that is wanted; circuits are judged in F32 always.
 * With auto, the gradient of the first step's prompts with all masks ½ is computed in both
 * precisions, and F32 stays unless their cosine is .99 or more. `engine` is the pruning's.
 * HAP_EUSAGE: bf16 was asked for, and there is none here. */
int hap_prune_set_precision(struct hap_pruning *pruning, struct hap_engine *engine,
                            struct hap_error *err);

#endif
