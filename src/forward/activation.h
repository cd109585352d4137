/* Activation functions, soft cap and softmax. */
#ifndef HAP_FORWARD_ACTIVATION_H
#define HAP_FORWARD_ACTIVATION_H

#include <stddef.h>

#include "forward/rules.h"
#include "model/model.h"

/* value[i] = act(x[i]), slope[i] = act'(x[i]) for n values. slope NULL: not wanted.
 * Either may alias x. */
void hap_activate(enum hap_activation kind, size_t n, const float *x,
                  float *value, float *slope);
/* The same with slope[i] = act(x[i]) / x[i], at 0 its limit. */
void hap_activate_ratio(enum hap_activation kind, size_t n, const float *x,
                        float *value, float *slope);
/* hidden = act(gate) · in, in place of `in`, for `size` values, with the slopes by the rules (NULL:
 * not wanted). With config->swiglu_limit L, as gpt-oss: gate up to L, in from −L to L, and
 * hidden = (in + 1) gate σ(1.702 gate). */
void hap_gated_hidden(const struct hap_config *config, const struct hap_rules *rules, size_t size,
                      float *in, float *gate, float *slope, float *slope_gate);
/* x[i] = cap · tanh(x[i] / cap) */
void hap_soft_cap(size_t n, float cap, float *x);
/* row[i] = exp(row[i] − max) / Σ_j exp(row[j] − max); a NaN makes the row NaN. */
void hap_softmax(int n, float *row);
/* The same with exp(sink − max) added to the sum: a key that has no value. */
void hap_softmax_sink(int n, float *row, float sink);

#endif
