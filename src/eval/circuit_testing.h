/* What circuit tests share: scores of circuits, and records. */
#ifndef HAP_EVAL_CIRCUIT_TESTING_H
#define HAP_EVAL_CIRCUIT_TESTING_H

#include <jansson.h>

#include "common/random.h"
#include "data/prompts.h"
#include "metric/metric.h"

/* Constants as published: ε of the equivalence test, q* of the tests against random circuits,
 * the numbers of random circuits and permutations. */
#define HAP_TEST_EPSILON 0.1
#define HAP_TEST_QUANTILE 0.9
enum { HAP_TEST_CIRCUITS = 100, HAP_TEST_PERMUTATIONS = 1000 };

struct hap_circuit_testing {
        const struct hap_engine *engine;
        const struct hap_prompts *prompts; /* all examples */
        const struct hap_metric *metric;
        bool keep_dead;
        uint64_t seed;
        double alpha;     /* 1 − level: below it a hypothesis is rejected */
        const char *name; /* of the circuit */
        const float *z;   /* [n_edges] */
        const double *model, *circuit; /* [prompts->n], s(M) and s(C) */
        json_t *records;  /* results are appended here */
};

/* Scores of all examples under the masks z, dead edges removed unless keep_dead. scores:
 * [prompts->n]. */
int hap_test_scores(const struct hap_circuit_testing *t, const float *z, double *scores,
                    struct hap_error *err);
/* How many scores of a are larger than those of b; equal ones count half. */
double hap_test_wins(const double *a, const double *b, size_t n);
/* D(a, b). */
double hap_test_distance(const double *a, const double *b, size_t n);
/* Whether a distance is larger than another by more than rounding. */
bool hap_test_is_larger(double a, double b);
/* A record {"circuit", "test", "metric"} that was appended to the records, or NULL. */
json_t *hap_test_record(struct hap_circuit_testing *t, const char *test);
/* Sets "statistic", "p" and "passed" of a record. HAP_ESYSTEM: memory is short. */
int hap_test_result(json_t *record, double statistic, double p, bool passed,
                    struct hap_error *err);

/* p of the hypothesis |P(Δ > 0) − ½| <= ε when `wins` of n examples have Δ > 0:
 * Σ over k with |k/n − ½| >= |wins/n − ½| of Binomial(k; n, ½ + ε) (Shi et al., section 3).
 * Their code takes the mean difference of scores for the share of wins; here it is the share.
 * Ties as half wins make the p-value larger, never smaller. */
double hap_equivalence_p(size_t n, double wins, double epsilon);

#endif
