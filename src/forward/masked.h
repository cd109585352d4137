/* Masked runs: every edge w→r scaled by its mask m. */
#ifndef HAP_FORWARD_MASKED_H
#define HAP_FORWARD_MASKED_H

#include "forward/batch.h"

struct hap_masked {
        /* Masks of each prompt, [n_edges] each; the same pointer for all
         * prompts when they share one. In a graph with positions, a row uses the
         * masks of its position. */
        const float *const *z;
        /* Edges whose gradient is wanted, [n_edges]; NULL: forward only.
         * A wanted edge may have z = 0. */
        const bool *wanted;
        /* Set before the forward when the gradient of the counterfactual values is
         * wanted, [n_writers][d_model]: backward makes it
         *      d loss / d a'_w = Σ_r Σ_rows (1 − m[w→r]) · d loss / d x_r,
         * a'_w the same at all positions and in all prompts. */
        float *d_counterfactual;
        bool bf16; /* products with weights are in BF16; needs hap_engine_use_bf16 */
        /* Result: [answers.n][n_out], in the scratch. */
        float *logits;
        struct hap_masked_state *state;
};

/* Computes only nodes on a path of open edges to the logits and
 * (interchange) from the input, or that a wanted edge needs. */
int hap_masked_forward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       struct hap_masked *run);

/* d_z[e] = d loss / d m[e], summed over the batch's prompts, for wanted edges
 * ([n_edges]; others are set to 0), from d loss / d logits; NULL where no edge
 * is wanted. Also fills d_counterfactual if it is set; not if ranks hold layers. */
int hap_masked_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                        struct hap_masked *run, const float *d_logits,
                        float *d_z);

#endif
