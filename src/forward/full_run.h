/* What a plain run keeps for its backward. */
#ifndef HAP_FORWARD_FULL_RUN_H
#define HAP_FORWARD_FULL_RUN_H

#include "forward/kernels.h"

struct hap_full_layer {
        const struct hap_rows *tail; /* rows of queries, MLP and outputs */
        bool narrowed;               /* tail is the answers, not all rows */
        float *x, *mean, *rstd;      /* residual stream before attention, all rows */
        float *xq, *q_mean, *q_rstd; /* the same at the tail */
        struct hap_heads heads;
        float *raw, *raw_mean, *raw_rstd; /* attention before the norm behind */
        struct hap_mlp mlp;
};

struct hap_full_state {
        struct hap_full_layer *layers; /* [n_layers]; without gradients one */
        int *head;                      /* 0 … n_heads - 1 */
        int *kv;                        /* head's group */
        struct hap_unembed unembed;
};

/* Whether writers [begin, end) are overridden in this run. */
static inline bool hap_full_run_overrides(const struct hap_full_run *run, int begin, int end)
{
        return begin >= run->override_begin && end <= run->override_end;
}

#endif
