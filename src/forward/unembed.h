/* The final norm and the unembedding. */
#ifndef HAP_FORWARD_UNEMBED_H
#define HAP_FORWARD_UNEMBED_H

#include "forward/scratch.h"

struct hap_unembed {
        int rows;
        const float *x;     /* [rows][d_model], not owned; backward reads it again */
        float *mean, *rstd; /* [rows], of x */
        float *logits;      /* [rows][n_out] */
};

/* logits = norm(x) Uᵀ + b, with the model's soft cap if it has one. The caller sets rows
 * and x. Errors are in scratch->error. */
int hap_unembed_forward(struct hap_scratch *scratch, struct hap_unembed *unembed);
/* g = d loss / d x ([rows][d_model]) from d_logits ([rows][n_out]). */
int hap_unembed_backward(struct hap_scratch *scratch, const struct hap_unembed *unembed,
                         const float *d_logits, float *g);

#endif
