/* Distributions over tokens, from logits: the most likely token, log-probabilities and KL
 * divergence. */
#ifndef HAP_FORWARD_DISTRIBUTION_H
#define HAP_FORWARD_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

/* log Σ exp(row[i]) over n logits, summed in double. */
double hap_log_sum_exp(int n, const float *row);

/* The index of the largest of n values, n at least 1; of equal ones the first. */
int hap_most_likely(int n, const float *values);

/* The indices of the n_top largest of n values, in order, in top[n_top]; of equal ones the first
 * comes first. Returns their number: n, if that is smaller. */
int hap_likeliest(int n, const float *values, int n_top, int32_t *top);

/* out[r][i] = logits[r][i] − log Σ exp(logits[r]); logits, out: [rows][n]. A model
 * with one output (n = 1) answers with a number y, not with a distribution over
 * tokens: out is then y itself. log_sum[r] = the subtrahend, unless it is NULL. */
void hap_log_softmax(int rows, int n, const float *logits, float *out, double *log_sum);

/* KL(p ‖ q) = Σ_i p_i (ln p_i − ln q_i) in nats, for one row of n logits.
 * log_p: [n], a row of hap_log_softmax; row: [n], the logits of q; log_all: their
 * log Σ exp. Tokens with p_i = 0 add nothing. Writes `weight` times the gradient by
 * the logits, weight · (q_i − p_i), to gradient ([n]) unless it is NULL. With n = 1:
 * the KL of two normal distributions of variance 1, (y − y_full)² / 2. */
double hap_kl(int n, const float *log_p, const float *row, double log_all, double weight,
              float *gradient);

#endif
