/* Bootstrap intervals and sign-flip tests of statistics of means over prompts.
 *
 * The values are a table of n prompts by any number of columns (a column is a metric of a
 * circuit). A resample draws n prompts with replacement, the same ones for every column, so
 * that differences and ratios of columns keep their pairing. */
#ifndef HAP_COMMON_BOOTSTRAP_H
#define HAP_COMMON_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

/* A number computed from one mean per column; `what` is the caller's. */
typedef double hap_statistic_fn(const void *what, const double *means);

struct hap_bootstrap {
        const double *values; /* [n][columns], borrowed */
        size_t n, columns, resamples;
        double *mean;         /* [columns] */
        double *means;        /* [resamples][columns], of the resamples */
        double *signed_means; /* [resamples][columns], with a random sign for every prompt;
                               * NULL unless they were asked for */
        double *scratch;      /* [max(resamples, n) + columns] */
};

struct hap_interval {
        double low, high;
        double se; /* standard deviation over the resamples */
};

/* Draws the resamples. They depend on the seed, n and the number of the resample alone, not on
 * the columns. Runs in parallel; every resample is summed in its own order, so that the result
 * does not depend on threads. Returns 0, or -1 without memory. */
int hap_bootstrap_init(struct hap_bootstrap *bootstrap, const double *values, size_t n,
                       size_t columns, size_t resamples, uint64_t seed, int with_signs);
void hap_bootstrap_release(struct hap_bootstrap *bootstrap);

/* The bias-corrected and accelerated interval, BCa (Efron 1987, "Better bootstrap confidence
 * intervals", JASA 82; Efron and Tibshirani 1993, chapter 14), at the level (0.95). The bias z0
 * is from the share of resamples below the estimate, of which equal ones count half; the
 * acceleration is the skewness of the jackknife, the statistic without each prompt. low and
 * high are NaN if n < 2 or the statistic of a resample is not finite. */
struct hap_interval hap_bootstrap_interval(const struct hap_bootstrap *bootstrap,
                                           hap_statistic_fn *statistic, const void *what,
                                           double level);

/* The two-sided p-value of the sign-flip test (Fisher 1935; Good 2005) of the hypothesis that
 * the difference of columns a and b is symmetric about 0: (1 + number of sign patterns whose
 * mean difference is at least as large in magnitude) / (1 + resamples), where the patterns are
 * drawn at random. The p-value is valid for any n (Phipson and Smyth 2010). Needs the signed
 * means. */
double hap_bootstrap_sign_flip(const struct hap_bootstrap *bootstrap, size_t a, size_t b);

#endif
