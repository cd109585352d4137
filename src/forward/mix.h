/* Mixing: what readers get from the writers' deltas, and back.
 *
 * A `stream` is [1 + n_slots][rows][d_model]: slot 0 is the counterfactual's
 * residual stream R' where the readers read, slot 1 + s the delta
 * Δ_s = a_w − a'_w of active writer s. From one slot to the next there are hap_slot_stride floats;
 * the same holds for the readers' inputs x and their gradients g, [n][rows][d_model]. */
#ifndef HAP_FORWARD_MIX_H
#define HAP_FORWARD_MIX_H

#include "forward/batch.h"
#include "forward/plan.h"

/* At least rows · d_model. Pieces of 64 floats at the same place of consecutive slots lie in
 * different sets of a first-level cache, which are chosen by the address modulo 1,024 floats. */
static inline size_t hap_slot_stride(int rows, int d_model)
{
        const size_t size = (size_t)rows * (size_t)d_model;

        return size + (1024 + 64 - size % 1024) % 1024;
}

/* Readers of the deltas in slots first … slots - 1; first is 0 in a forward run. */
struct hap_mix {
        const struct hap_plan *plan;
        const struct hap_batch *batch;
        const struct hap_rows *rows;
        const float *const *z; /* per prompt */
        int n;                 /* readers */
        const int *reader;     /* [n] */
        int first, slots;
        const float *stream;   /* in row space `rows` */
};

/* x[i] = R' + Σ_s m[s → reader i] Δ_s, x: [n][rows][d_model]. Every prompt has
 * its own masks where z differs. */
int hap_mix_forward(struct hap_scratch *scratch, const struct hap_mix *mix, float *x);

/* From g[i] = d loss / d x_i ([n][rows][d_model]):
 *   d_z[edge] += ⟨Δ_s, g_i⟩ over all rows, for wanted edges,
 *   d_delta[s] += Σ_i m[s → reader i] g_i   ([n_slots][rows][d_model]), first ≤ s < slots. */
int hap_mix_backward(struct hap_scratch *scratch, const struct hap_mix *mix, const float *g,
                     float *d_z, float *d_delta);

#endif
