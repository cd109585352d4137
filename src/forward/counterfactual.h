/* A prompt's counterfactual: what ablated edges carry. */
#ifndef HAP_FORWARD_COUNTERFACTUAL_H
#define HAP_FORWARD_COUNTERFACTUAL_H

#include <stdint.h>

#include "common/tensor.h"
#include "forward/ablation.h"

struct hap_engine;

/* The outputs a' of every writer for one prompt. The data belong to the caller. */
struct hap_counterfactual {
        const struct hap_ablation *ablation;
        /* [n_writers][n_tokens][d_model] when the ablation is per prompt,
         * [n_writers][n_positions][d_model] when it is per position (a prompt with more
         * than n_positions tokens is refused), otherwise [n_writers][d_model].
         * NULL for zero ablation. */
        const void *data;
        enum hap_dtype dtype;
        int n_positions;
        const int *depth; /* of the prompt (see hap_prompt), for a mean by position; or NULL */
        /* Per prompt: [n_tokens], the corrupted prompt, not owned; then data may be NULL, and every
         * masked run makes them (remake.h). Such data are n_rows rows of a writer, the first
         * one at position `first`; n_rows 0: all positions of the prompt. */
        const int32_t *tokens;
        int first, n_rows;
};

/* out[i] = scale · a'_writer at position first + i; out: [n][d_model]. The prompt has
 * n_tokens positions. */
void hap_counterfactual_read(const struct hap_counterfactual *counterfactual,
                             const struct hap_engine *engine, int n_tokens, int writer,
                             int first, int n, float scale, float *out);

#endif
