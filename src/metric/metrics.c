#include "metric/metrics.h"

#include <math.h>
#include <string.h>

/* Of logits in single precision: a difference below this share of them says nothing. */
#define ROUNDING 1e-5

const char *const hap_measures_names[] = {
        "kl", "logit-diff", "prob-diff", "accuracy", "exact-match", "right-over-wrong",
        "faithfulness", NULL,
};

bool hap_measures_have(const struct hap_measures *measures, enum hap_measure measure)
{
        for (int i = 0; i < measures->n; i++)
                if (measures->items[i] == measure)
                        return true;
        return false;
}

static int add_name(struct hap_measures *measures, const char *name, size_t length,
                    struct hap_error *err)
{
        for (int i = 0; i < HAP_N_MEASURES; i++) {
                if (strlen(hap_measures_names[i]) != length ||
                    memcmp(hap_measures_names[i], name, length) != 0)
                        continue;
                if (hap_measures_have(measures, (enum hap_measure)i))
                        return hap_fail(err, HAP_EUSAGE, "metric '%s' is given twice",
                                        hap_measures_names[i]);
                measures->items[measures->n++] = (enum hap_measure)i;
                return HAP_OK;
        }
        return hap_fail(err, HAP_EUSAGE,
                        "there is no metric '%.*s': kl, logit-diff, prob-diff, accuracy, "
                        "exact-match, right-over-wrong, faithfulness",
                        length < 64 ? (int)length : 64, name);
}

int hap_measures_of(const char *list, struct hap_measures *measures, struct hap_error *err)
{
        *measures = (struct hap_measures){0};
        for (int i = 0; i < HAP_MEASURE_FAITHFULNESS && !list; i++)
                measures->items[measures->n++] = (enum hap_measure)i;
        while (list) {
                const char *comma = strchr(list, ',');
                int rc = add_name(measures, list,
                                  comma ? (size_t)(comma - list) : strlen(list), err);

                if (rc < 0)
                        return rc;
                list = comma ? comma + 1 : NULL;
        }
        return HAP_OK;
}

double hap_measures_value(const struct hap_metric_values *outcome, enum hap_measure measure)
{
        switch (measure) {
        case HAP_MEASURE_KL:
                return outcome->kl;
        case HAP_MEASURE_LOGIT_DIFF:
                return outcome->logit_diff;
        case HAP_MEASURE_PROB_DIFF:
                return outcome->prob_diff;
        case HAP_MEASURE_ACCURACY:
                return outcome->accuracy;
        case HAP_MEASURE_EXACT_MATCH:
                return outcome->exact_match;
        case HAP_MEASURE_RIGHT_OVER_WRONG:
                return outcome->right_over_wrong;
        default:
                return NAN;
        }
}

void hap_measures_mean(const struct hap_metric_values *outcomes, size_t n,
                      enum hap_measure measure, double *mean, double *sd)
{
        double sum = 0, squares = 0;

        for (size_t i = 0; i < n; i++)
                sum += hap_measures_value(outcomes + i, measure);
        *mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
                double off = hap_measures_value(outcomes + i, measure) - *mean;

                squares += off * off;
        }
        *sd = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
}

int hap_faithfulness(double circuit, double full, double empty, double *value,
                     struct hap_error *err)
{
        *value = (circuit - empty) / (full - empty);
        if (!isfinite(*value) || fabs(full - empty) <= ROUNDING * (fabs(full) + fabs(empty)))
                return hap_fail(err, HAP_EINPUT,
                                "cannot normalise: the full model and the empty circuit have the "
                                "same mean logit difference, %g", full);
        return HAP_OK;
}
