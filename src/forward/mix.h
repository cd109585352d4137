/* Mixing: what readers get from the writers' deltas, and back.
 *
 * A `stream` is [1 + n_slots][rows][d_model]: slot 0 is the counterfactual's
 * residual stream R' where the readers read, slot 1 + s the delta
 * Δ_s = a_w − a'_w of active writer s. */
#ifndef HAP_FORWARD_MIX_H
#define HAP_FORWARD_MIX_H

#include "forward/batch.h"
#include "forward/plan.h"

/* Readers that read at the same point of the stream: the first `slots` deltas. */
struct hap_mix {
        const struct hap_plan *plan;
        const struct hap_batch *batch;
        const struct hap_rows *rows;
        const float *const *z; /* per prompt */
        int n;                 /* readers */
        const int *reader;     /* [n] */
        int slots;
        const float *stream;   /* in row space `rows` */
};

/* x[i] = R' + Σ_s m[s → reader i] Δ_s, x: [n][rows][d_model]. Every prompt has
 * its own masks where z differs. */
int hap_mix_forward(struct hap_scratch *scratch, const struct hap_mix *mix, float *x);

/* From g[i] = d loss / d x_i ([n][rows][d_model]):
 *   d_z[edge] += ⟨Δ_s, g_i⟩ over all rows, for wanted edges,
 *   d_delta[s] += Σ_i m[s → reader i] g_i   ([n_slots][rows][d_model]). */
int hap_mix_backward(struct hap_scratch *scratch, const struct hap_mix *mix, const float *g,
                     float *d_z, float *d_delta);

#endif
