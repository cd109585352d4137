/* What a full run keeps for its backward. */
#ifndef HAP_FORWARD_FULL_STATE_H
#define HAP_FORWARD_FULL_STATE_H

#include "forward/attention.h"
#include "forward/full_run.h"
#include "forward/mlp.h"
#include "forward/product.h"
#include "forward/unembed.h"

struct hap_full_layer {
        const struct hap_rows *out_rows; /* rows of queries, MLP and outputs */
        bool answer_rows_only;               /* out_rows are the answer rows, not all rows */
        /* The residual stream before attention, [rows][d_model], and its statistics. */
        float *x, *mean, *rstd;      /* at all rows */
        float *xq, *q_mean, *q_rstd; /* at out_rows */
        struct hap_heads heads;
        /* The attention's output before its post-norm, [rows][d_model], and its
         * statistics; NULL without one. */
        float *pre_norm, *pre_norm_mean, *pre_norm_rstd;
        struct hap_mlp mlp;
};

struct hap_full_state {
        struct hap_full_layer *layers; /* [n_layers] */
        int *head;                     /* [n_heads]: 0 … n_heads - 1 */
        int *kv;                       /* [n_heads]: the head's group of keys and values */
        struct hap_unembed unembed;
        const float *last; /* the stream after the last layer, at its out_rows */
};

/* Begins and ends a run, or its backward: the precision of products, and the rules. */
static inline void hap_full_run_begin(struct hap_scratch *scratch, const struct hap_full_run *run)
{
        hap_product_begin(scratch, run->bf16);
        if (run->rules != NULL)
                scratch->rules = run->rules;
}

static inline int hap_full_run_end(struct hap_scratch *scratch, int rc)
{
        scratch->rules = &hap_rules_derivative;
        return hap_product_end(scratch, rc);
}

/* Whether writers [begin, end) are overridden in this run. */
static inline bool hap_full_run_overrides(const struct hap_full_run *run, int begin, int end)
{
        return begin >= run->override_begin && end <= run->override_end;
}

#endif
