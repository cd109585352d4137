/* Distributions that the tests of the field need, and the correction for many tests. */
#ifndef HAP_COMMON_DISTRIBUTIONS_H
#define HAP_COMMON_DISTRIBUTIONS_H

#include <stddef.h>

/* The standard normal distribution function, and its inverse for 0 < p < 1. */
double hap_normal_cdf(double x);
double hap_normal_quantile(double p);

/* P(X >= k) and P(X <= k) for X ~ Binomial(n, p), 0 < p < 1. k need not be whole: outcomes are
 * compared with it. Terms are computed from logarithms, so that no n overflows. */
double hap_binomial_at_least(size_t n, double p, double k);
double hap_binomial_at_most(size_t n, double p, double k);

/* The interval of Clopper and Pearson (1934) for a proportion, k of n at the level
 * (0.95). */
void hap_binomial_interval(size_t n, double k, double level, double *low, double *high);

/* The step-down correction of Holm (1979) of n p-values: the smallest is multiplied by
 * `tests`, the next by tests - 1 …, none is smaller than those before it or larger than 1.
 * `tests` >= n counts further tests whose p-values are not smaller than these are. adjusted may
 * be p. Returns 0, or -1 without memory. */
int hap_holm(const double *p, size_t n, size_t tests, double *adjusted);

/* Doubles in ascending order, for qsort. NaN is last. */
int hap_compare_doubles(const void *a, const void *b);

#endif
