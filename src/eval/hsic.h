/* A test of independence. */
#ifndef HAP_EVAL_HSIC_H
#define HAP_EVAL_HSIC_H

#include <stddef.h>

#include "common/random.h"

struct hap_hsic {
        double statistic, p;
};

/* The Hilbert-Schmidt independence criterion of x and y, [n] (Gretton et al. 2007, "A kernel
 * statistical test of independence"): tr(K H L H) / (n − 1)² with Gaussian kernels
 * exp(−d² / (2σ²)), σ the median distance within x for K and within y for L (the mean of the
 * distances that are not 0 if the median is 0), H = I − 1/n. p is that of random permutations of
 * y: (1 + number of them with at least this statistic) / (1 + permutations). The result does not
 * depend on threads. Returns 0; 1 if x or y is constant, so that nothing can be tested; -1
 * without memory: three arrays of n² doubles. */
int hap_hsic_test(const double *x, const double *y, size_t n, size_t permutations,
                  struct hap_random_key key, struct hap_hsic *result);

#endif
