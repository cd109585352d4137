/* The measures of an evaluation by name. */
#ifndef HAP_METRIC_METRICS_H
#define HAP_METRIC_METRICS_H

#include "common/error.h"
#include "metric/evaluate.h"

enum hap_measure {
        HAP_MEASURE_KL,
        HAP_MEASURE_LOGIT_DIFF,
        HAP_MEASURE_PROB_DIFF,
        HAP_MEASURE_ACCURACY,
        HAP_MEASURE_EXACT_MATCH,
        HAP_MEASURE_RIGHT_OVER_WRONG,
        /* (m(circuit) − m(empty)) / (m(full) − m(empty)), m the mean logit
         * difference; empty: every edge ablated, which under interchange is the
         * corrupted run. Of a set of examples, not of one. */
        HAP_MEASURE_FAITHFULNESS,
        HAP_N_MEASURES,
};
extern const char *const hap_measures_names[]; /* NULL-terminated */

/* Some measures, in the order in which they are reported. */
struct hap_measures {
        enum hap_measure items[HAP_N_MEASURES];
        int n;
};

/* "kl,accuracy"; NULL: all but faithfulness. HAP_EUSAGE: unknown, or twice. */
int hap_measures_of(const char *list, struct hap_measures *measures, struct hap_error *err);
bool hap_measures_have(const struct hap_measures *measures, enum hap_measure measure);

/* One of the measures that an outcome holds (not faithfulness). */
double hap_measures_value(const struct hap_metric_values *outcome, enum hap_measure measure);

/* Over n outcomes, in their order; sd with n − 1, NaN for n < 2. */
void hap_measures_mean(const struct hap_metric_values *outcomes, size_t n,
                      enum hap_measure measure, double *mean, double *sd);

/* HAP_EINPUT when full and empty differ by no more than rounding. */
int hap_faithfulness(double circuit, double full, double empty, double *value,
                     struct hap_error *err);

#endif
