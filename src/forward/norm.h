/* LayerNorm and RMSNorm: statistics, forward and backward. */
#ifndef HAP_FORWARD_NORM_H
#define HAP_FORWARD_NORM_H

#include "forward/rules.h"
#include "model/model.h"

/* mean[i] = the mean of row i (LayerNorm; otherwise 0), and
 * rstd[i] = 1/√(mean over j of (x[i][j] − mean[i])² + eps) (1 in a model without norms).
 * x: [rows][d]; mean, rstd: [rows]. */
void hap_norm_stats(const struct hap_config *config, int rows, int d,
                    const float *x, float *mean, float *rstd);

/* The same for the inputs of attention and MLP: mean 0 and rstd 1 in a model that does not
 * normalise them. */
void hap_input_stats(const struct hap_config *config, int rows, int d,
                     const float *x, float *mean, float *rstd);

/* y[i][o] = rstd[i] · y[i][o] + bias[o], in place. y: [rows][n], leading dimension ldy;
 * bias: [n], or NULL for none. */
void hap_scale_rows(int rows, int n, const float *rstd, const float *bias,
                    float *y, int ldy);

/* Backward of x ↦ rstd (x − mean) W, in place from g = rstd · (dy Wᵀ):
 *
 *      dx = g − (x − mean) · rstd² / d · ⟨g, x − mean⟩       per row
 *
 * x, g: [rows][d]. For LayerNorm, W's columns are centred (hap_engine_init); therefore g
 * is centred too. By the rule of a constant scale dx = g. */
void hap_norm_backward(const struct hap_config *config, const struct hap_rules *rules,
                       int rows, int d, const float *x, const float *mean, const float *rstd,
                       float *g);

/* The same for the inputs of attention and MLP: g does not change in a model that does not
 * normalise them. */
void hap_input_backward(const struct hap_config *config, const struct hap_rules *rules,
                        int rows, int d, const float *x, const float *mean, const float *rstd,
                        float *g);

/* Norms with their own gain: the final norm, q and k norms, post-norms.
 * y = gain · (x − mean) · rstd + bias, and dx from dy; x, y, dy, dx: [rows][d]. y may
 * alias x, dx may alias dy. */
void hap_norm_apply(const struct hap_norm *norm, int rows, int d, const float *x,
                    const float *mean, const float *rstd, float *y);
void hap_norm_apply_backward(const struct hap_config *config, const struct hap_rules *rules,
                             const struct hap_norm *norm, int rows, int d,
                             const float *x, const float *mean, const float *rstd,
                             const float *dy, float *dx);

#endif
