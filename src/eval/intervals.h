/* Intervals of the means in a report, and of differences between circuits. */
#ifndef HAP_EVAL_INTERVALS_H
#define HAP_EVAL_INTERVALS_H

#include "common/bootstrap.h"
#include "eval/eval.h"

struct hap_interval_options {
        int64_t resamples; /* 0: no intervals */
        double level;      /* 0.95 */
        int64_t seed;
};

struct hap_intervals {
        const struct hap_evaluation *evaluation; /* borrowed, after its last prompts */
        struct hap_interval_options options;
        double *values;     /* [n][n_circuits][columns], owned */
        size_t columns;     /* of a circuit: its metrics; then the same, scaled, if there are
                             * a full model and an empty circuit to scale them by */
        size_t full, empty; /* the circuits that normalise, or 0 */
        struct hap_bootstrap bootstrap;
};

/* Draws the resamples; with_signs also the sign patterns of p-values. */
int hap_intervals_init(struct hap_intervals *intervals, const struct hap_evaluation *evaluation,
                       const struct hap_interval_options *options, bool with_signs,
                       struct hap_error *err);
void hap_intervals_release(struct hap_intervals *intervals);

/* The interval of a metric's mean for circuit number c, or of a metric that normalises a mean;
 * see hap_bootstrap_interval. */
struct hap_interval hap_intervals_mean(const struct hap_intervals *intervals, size_t c,
                                       const struct hap_metric *metric);

/* A difference of two circuits on the same prompts. */
struct hap_difference {
        double value; /* metric of a minus metric of b */
        struct hap_interval interval;
        double p;     /* see hap_bootstrap_sign_flip; for a metric that normalises a mean, p of
                       * the difference of that mean, which is the same hypothesis */
};
struct hap_difference hap_intervals_difference(const struct hap_intervals *intervals, size_t a,
                                               size_t b, const struct hap_metric *metric);

#endif
