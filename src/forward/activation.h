/* Activation functions, soft cap and softmax. */
#ifndef HAP_FORWARD_ACTIVATION_H
#define HAP_FORWARD_ACTIVATION_H

#include <stddef.h>

#include "model/model.h"

/* value[i] = act(x[i]), slope[i] = act'(x[i]) for n values. slope NULL: not wanted.
 * Either may alias x. */
void hap_activate(enum hap_activation kind, size_t n, const float *x,
                  float *value, float *slope);
/* The same with slope[i] = act(x[i]) / x[i], at 0 its limit. */
void hap_activate_ratio(enum hap_activation kind, size_t n, const float *x,
                        float *value, float *slope);
/* x[i] = cap · tanh(x[i] / cap) */
void hap_soft_cap(size_t n, float cap, float *x);
/* row[i] = exp(row[i] − max) / Σ_j exp(row[j] − max); a NaN makes the row NaN. */
void hap_softmax(int n, float *row);

#endif
