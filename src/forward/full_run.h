/* Full runs: the model with all its edges. All readers of a layer share one residual
 * stream. */
#ifndef HAP_FORWARD_FULL_RUN_H
#define HAP_FORWARD_FULL_RUN_H

#include <stdbool.h>

#include "forward/batch.h"

struct hap_full_run {
        /* Writers [override_begin, override_end) write α · clean + (1 − α) · a' instead
         * of their own output: clean is from override_clean
         * ([n_writers][rows.n][d_model]), a' from the prompts' counterfactuals. None when
         * begin = end. */
        int override_begin, override_end;
        float override_alpha;
        const float *override_clean;
        /* Where to store the writers' outputs, [n_writers][rows.n][d_model], or NULL.
         * With batch->answer_rows_only, rows of the last layer that are not answers
         * are zero. */
        float *outputs;
        /* In a graph with experts, where to store the weights of the experts for each prompt
         * (see hap_prompt.gates), or NULL. */
        float *const *gates;
        bool gradients; /* keep what backward needs */
        const struct hap_rules *rules; /* of backward; NULL: the derivative */
        /* Backward: no gradient passes through the heads and MLPs of layers
         * [dropped_begin, dropped_end). */
        int dropped_begin, dropped_end;
        bool bf16; /* products with weights are in BF16; needs hap_engine_use_bf16 */
        /* Where backward stores d loss / d input: [rows.n][d_model], or NULL. If ranks hold layers,
         * only rank 0 has it. */
        float *d_input;
        /* Results, in the scratch. */
        float *logits;                /* [answers.n][n_out] */
        struct hap_full_state *state; /* for backward */
};

/* Errors are in scratch->error. */
int hap_full_forward(struct hap_scratch *scratch, const struct hap_batch *batch,
                     struct hap_full_run *run);

/* gradient[r] += d loss / d x_r for every reader r, from d loss / d logits.
 * d_logits: [answers.n][n_out], gradient: [n_readers][rows.n][d_model], or NULL. Rows that a reader
 * of the last layer does not compute do not change. A run may be taken back several times, with
 * other dropped layers or d_logits. Errors are in scratch->error. */
int hap_full_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                      struct hap_full_run *run, const float *d_logits, float *gradient);

/* The gradient at the inputs of one layer's heads, or of its MLP or experts, as if the loss depended on their
 * outputs only by d_out, d loss / d output at the batch's rows ([rows.n][d_model]), the same for
 * all of them. gradient: [hap_graph_layer_readers][rows.n][d_model], the readers of the layer, added to; the
 * run was made with `gradients`. With d_out summed over all later readers it is what
 * hap_full_backward gives. Errors are in scratch->error. */
int hap_full_backward_node(struct hap_scratch *scratch, const struct hap_batch *batch,
                           const struct hap_full_run *run, int layer, bool mlp,
                           const float *d_out, float *gradient);

#endif
