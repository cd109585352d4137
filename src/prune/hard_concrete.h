/* The hard concrete distribution of masks (Louizos et al. 2018, arXiv 1712.01312) with the
 * constants of Edge Pruning: limits (-0.1, 1.1), temperature 2/3.
 *
 *      u ~ U(ε, 1 − ε),  s = σ((logit u + logα) / T),  z = clip(1.2 s − 0.1, 0, 1)
 *
 * A NaN in the input gives NaN. */
#ifndef HAP_PRUNE_HARD_CONCRETE_H
#define HAP_PRUNE_HARD_CONCRETE_H

#include <math.h>
#include <stddef.h>

#define HAP_CONCRETE_LEFT (-0.1)
#define HAP_CONCRETE_RIGHT 1.1
#define HAP_CONCRETE_TEMPERATURE (2.0 / 3.0)
#define HAP_CONCRETE_EPSILON 1e-6 /* of u, and of probabilities */
#define HAP_CONCRETE_FACTOR 0.8   /* of logα in deterministic masks */

/* Sets the n masks z from uniform u, and unless `slope` is NULL also slope = dz/dlogα, which
 * is 0 where z is clipped. u is used as it is: call hap_concrete_uniform first. */
void hap_concrete_sample(size_t n, const float *u, const float *log_alpha,
                         float *z, float *slope);

/* Maps u from (0, 1) to (ε, 1 − ε), in place. */
void hap_concrete_uniform(size_t n, float *u);

/* Sets masks that are 0 or 1: open if u > σ(−logα), that is, if the hard concrete z of the
 * same u is above ½. */
void hap_concrete_bernoulli(size_t n, const float *u, const float *log_alpha, float *z);

static inline double hap_sigmoid(double x)
{
        return 1 / (1 + exp(-x));
}

/* P(z > 0), limited to [ε, 1 − ε]. */
double hap_concrete_open(double log_alpha);
/* ln P(z > 0) without that limit: strictly increasing in logα. */
double hap_concrete_log_open(double log_alpha);

/* The deterministic masks after training: σ(0.8 logα / T), except that the smallest
 * round(Σ P(z = 0)) of them, rounded half to even, are 0. Among equal logα the later masks are
 * closed first. Returns the number of zeros. -1: no memory. */
long hap_concrete_deterministic(size_t n, const float *log_alpha, float *mask);

#endif
