/* What memory the stages of the pipeline need for prompts of a given length. */
#ifndef HAP_FORWARD_NEEDS_H
#define HAP_FORWARD_NEEDS_H

#include "forward/engine.h"

struct hap_needs {
        size_t weights;      /* the model in F32: part of all below */
        size_t cache_record; /* bytes of one example in a cache of f32 */
        size_t forward;      /* most that hap-forward, … */
        size_t attrib;       /* hap-attrib with gradients, */
        size_t eval;         /* hap-eval with masks and */
        size_t prune;        /* hap-prune, which keeps all its prompts, take */
};

/* `tokens` a prompt, one answer position, `prompts` in hap-prune, batches in
 * parallel on `threads`. HAP_EINPUT: prompts longer than the model's context. */
int hap_needs_of(struct hap_model *model, size_t tokens, size_t prompts, size_t threads,
                 struct hap_needs *needs, struct hap_error *err);

#endif
