/* The engine's kernels: what plain and masked runs share.
 *
 * Matrices are row-major. A "row" is one position of one prompt. Everything
 * here runs on one thread and allocates from the work given, if at all. */
#ifndef HAP_FORWARD_KERNELS_H
#define HAP_FORWARD_KERNELS_H

#include "forward/engine.h"

/* C[m][n] = alpha · op(A)[m][k] · op(B)[k][n] + beta · C, by sgemm. */
void hap_gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
              float alpha, const float *a, int lda, const float *b, int ldb,
              float beta, float *c, int ldc);

/* --- norm.c --- */

/* mean[i] (0 unless LayerNorm) and rstd[i] = 1/√(var + eps) of each row of
 * x[rows][d]; rstd = 1 for no norm. */
void hap_norm_stats(const struct hap_config *config, int rows, int d,
                    const float *x, float *mean, float *rstd);

/* y[i][o] = rstd[i] · y[i][o] + bias[o], in place; y: [rows][n] with leading
 * dimension ldy; bias NULL: none. */
void hap_scale_rows(int rows, int n, const float *rstd, const float *bias,
                    float *y, int ldy);

/* Backward of x ↦ rstd (x − mean) W with g = rstd · (dy Wᵀ) given, in place:
 *
 *      dx = g − (x − mean) · rstd² / d · ⟨g, x − mean⟩       per row
 *
 * W's columns are centred for LayerNorm (hap_engine_init), and so is g. */
void hap_norm_backward(const struct hap_config *config, int rows, int d,
                       const float *x, const float *mean, const float *rstd,
                       float *g);

/* Norms with their own gain (final norm, norms after attention and MLP):
 * y = gain · (x − mean) · rstd + bias, and dx from dy. y may alias x, dx may
 * alias dy. */
void hap_norm_apply(const struct hap_norm *norm, int rows, int d, const float *x,
                    const float *mean, const float *rstd, float *y);
void hap_norm_apply_backward(const struct hap_config *config,
                             const struct hap_norm *norm, int rows, int d,
                             const float *x, const float *mean, const float *rstd,
                             const float *dy, float *dx);

/* --- activation.c --- */

/* value[i] = act(x[i]), slope[i] = act'(x[i]); slope NULL: not wanted. Either
 * may alias x. */
void hap_activate(enum hap_activation kind, size_t n, const float *x,
                  float *value, float *slope);
/* x[i] = cap · tanh(x[i] / cap) */
void hap_soft_cap(size_t n, float cap, float *x);
/* row[i] = exp(row[i] − max) / Σ over n; NaN in gives NaN out. */
void hap_softmax(int n, float *row);

/* --- attention.c --- */

/* Queries, keys and values of some heads of one layer, and what became of
 * them. Heads stand side by side: head i in columns i·d_head …; keys and values
 * of head i in column block kv[i] (shared in plain runs with grouped queries,
 * own in masked ones). */
struct hap_heads {
        int layer;
        int n;            /* heads */
        const int *head;  /* [n]: their numbers in the layer */
        const int *kv;    /* [n]: column block of their keys and values */
        int n_kv;         /* blocks */
        const struct hap_rows *q_rows, *kv_rows;
        float *q;         /* [q_rows][n · d_head] */
        float *k, *v;     /* [kv_rows][n_kv · d_head] */
        float *q_raw, *k_raw; /* before the q and k norms, NULL without */
        float *q_rstd, *k_rstd; /* [rows][n], [rows][n_kv] */
        float *p;         /* attention, per head and prompt [queries][tokens] */
        float *head_output;         /* [q_rows][n · d_head]: attention · values */
};

/* Takes memory for all of it (p only with gradients: it is reused otherwise). */
int hap_heads_take(struct hap_heads *heads, struct hap_scratch *work,
                   const struct hap_batch *batch, bool gradients);

/* Column block c of q, k as projected: the q, k norm, then the rotation.
 * which: 0 q, 1 k. */
void hap_heads_rotate(const struct hap_engine *engine, struct hap_heads *heads,
                    int which, int block);
/* z from q, k, v. Keys and values of the rows before a prompt's first come
 * from prompt->k, prompt->v. */
void hap_heads_attend(const struct hap_engine *engine, const struct hap_batch *batch,
                      struct hap_heads *heads, bool keep);
/* From dz ([q_rows][n · d_head]): dq (the same shape), dk and dv
 * ([kv_rows][n · d_head], a block per query head), with respect to the
 * projections, before norm and rotation. */
int hap_heads_backward(struct hap_scratch *work, const struct hap_batch *batch,
                       const struct hap_heads *heads, const float *dz, float *dq,
                       float *dk, float *dv);

/* Turns one head's vector at a position (sign = 1), or back (sign = −1). */
void hap_rotate(const struct hap_engine *engine, int layer, int position, float sign, float *x);
/* table[position][pair] = cos, sin (times the layer's scale). */
void hap_rotary_fill(const struct hap_layer *layer, int half, int positions, float *table);

/* --- mlp.c --- */

struct hap_mlp {
        int layer, rows;
        const float *x; /* [rows][d_model], kept by the caller */
        float *mean, *rstd;
        float *slope, *slope_gate; /* d out-act / d in, d gate */
        float *raw; /* before the norm behind, NULL without one */
        float *raw_mean, *raw_rstd;
};
/* out[rows][d_model] = the MLP's output; gradients: keeps the slopes. */
int hap_mlp_forward(struct hap_scratch *work, struct hap_mlp *mlp, bool gradients,
                    float *out);
/* g[rows][d_model] = d loss / d x from d loss / d out. */
int hap_mlp_backward(struct hap_scratch *work, const struct hap_mlp *mlp,
                     const float *d_out, float *g);

/* --- unembed.c --- */

struct hap_unembed {
        int rows;
        const float *x; /* [rows][d_model] */
        float *mean, *rstd;
        float *logits; /* [rows][n_out] */
};
int hap_unembed_forward(struct hap_scratch *work, struct hap_unembed *unembed);
/* g[rows][d_model] = d loss / d x. d_logits: [rows][n_out]. */
int hap_unembed_backward(struct hap_scratch *work, const struct hap_unembed *unembed,
                         const float *d_logits, float *g);

/* --- rows --- */

/* out[i] = the row of `in` (row space `from`) that stands at the same place of
 * the same prompt as row i of `to`; the places of `to` lie within `from`. */
void hap_rows_gather(const struct hap_rows *from, const struct hap_rows *to,
                     int n_prompts, int d, const float *in, float *out);
/* The reverse, added. */
void hap_rows_scatter_add(const struct hap_rows *from, const struct hap_rows *to,
                          int n_prompts, int d, const float *in, float *out);

/* The pool of hap_parallel (work.c); NULL when memory is short. */
struct hap_pool *hap_pool_new(void);
void hap_pool_free(struct hap_pool *pool); /* NULL is allowed */

/* y[i] += x[i] */
void hap_add(size_t n, const float *x, float *y);
/* y[i] += a x[i] */
void hap_axpy(size_t n, float a, const float *x, float *y);
/* Σ x[i] y[i] in 16 partial sums. */
float hap_dot(size_t n, const float *x, const float *y);

#endif
