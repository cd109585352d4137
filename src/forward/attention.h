/* Attention of some heads of one layer, and rotary position embedding. */
#ifndef HAP_FORWARD_ATTENTION_H
#define HAP_FORWARD_ATTENTION_H

#include "forward/batch.h"

/* Queries, keys and values of the heads, and the results of attention. Head i has columns
 * i · d_head … (i + 1) · d_head - 1 of q and head_output. Its keys and values are column
 * block kv[i] of k and v: full runs share blocks between the queries of a group, masked
 * runs have one block per head. */
struct hap_heads {
        int layer;
        int n;           /* heads */
        const int *head; /* [n]: their numbers in the layer */
        const int *kv;   /* [n]: column block of their keys and values */
        int n_kv;        /* blocks */
        const struct hap_rows *q_rows, *kv_rows;
        float *q;             /* [q_rows][n · d_head] */
        float *k, *v;         /* [kv_rows][n_kv · d_head] */
        float *q_pre_norm, *k_pre_norm; /* q and k before their norms, centred for LayerNorm; NULL without these norms */
        float *q_rstd, *k_rstd; /* [q_rows][n], [kv_rows][n_kv] */
        float *p;             /* softmax, per head and prompt [queries][tokens] */
        float *d_p; /* where backward stores d loss / d p, in the layout of p; NULL: nowhere */
        float *p_long;        /* with gradients: of some queries of a long prompt */
        float *head_output;   /* [q_rows][n · d_head]: softmax · values */
};

/* Prompts with more than `length` tokens are long: the softmax of `queries` queries at a time is
 * in memory, and backward computes it again. So memory grows with the length, not its square.
 * Only tests change this. */
extern struct hap_long_prompts {
        int length, queries;
} hap_long_prompts;
bool hap_attention_is_long(const struct hap_prompt *prompt);
/* The values of the softmax of one head and prompt that are in memory at a time. */
size_t hap_attention_size(const struct hap_heads *heads, const struct hap_batch *batch, int at);

/* Allocates q, k, v and the rest. The layer, the heads and the rows are already set.
 * Without gradients p has room for one head and prompt, and is reused. */
int hap_heads_alloc(struct hap_heads *heads, struct hap_scratch *scratch,
                   const struct hap_batch *batch, bool gradients);

/* Applies the q or k norm and the rotation to one column block of q (which = 0) or
 * k (which = 1), which contains the projections. Does nothing with qk_norm_together. */
void hap_heads_rotate(const struct hap_engine *engine, struct hap_heads *heads,
                      int which, int block);
/* The same for all blocks of a model with qk_norm_together, once they are projected: the norm's
 * mean square is taken over all of them. Does nothing for other models. */
void hap_heads_rotate_together(const struct hap_engine *engine, struct hap_heads *heads, int which);
/* Back: turns d ([rows][n · d_head], one block per query head), the gradients of q or k, into
 * those of the projections. */
void hap_heads_rotate_back(const struct hap_engine *engine, const struct hap_rules *rules,
                           const struct hap_heads *heads, int n_prompts, int which, float *d);
/* head_output = softmax(scale · q kᵀ) v. Keys and values of the positions before a
 * prompt's first computed row are those of prompt->k and prompt->v. keep: store the
 * softmax of every head and prompt that is not long for backward. */
void hap_heads_attend(const struct hap_engine *engine, const struct hap_batch *batch,
                      struct hap_heads *heads, bool keep);
/* From d_out = d loss / d head_output ([q_rows][n · d_head]): dq (the same shape), dk and
 * dv ([kv_rows][n · d_head], one block per query head), the gradients of the projections
 * before norm and rotation. With the rule of a constant pattern dq and dk are zero. */
int hap_heads_backward(struct hap_scratch *scratch, const struct hap_batch *batch,
                       const struct hap_heads *heads, const float *d_out, float *dq,
                       float *dk, float *dv);

/* table[position][pair] = (cos, sin) of the pair's angle, times the layer's scale;
 * table: [positions][half][2]. */
void hap_rotary_fill(const struct hap_layer *layer, int half, int positions, float *table);

#endif
