/* Hypothesis tests of a circuit, after Shi et al. 2024, "Hypothesis testing the circuit hypothesis
 * in LLMs" (arXiv:2410.13032), and the completeness of Wang et al. 2022, "Interpretability in the
 * wild" (arXiv:2211.00593).
 *
 * A test compares scores of single examples: s(M) of the full model, s(C) of the circuit. The
 * score is a metric, or minus a metric of which lower is better. Scores that differ by no more
 * than rounding, 1e-5 of the larger one or of 1, count as equal. D(a, b) is the mean of
 * (a − b)² over the examples. To add a test, write its row in circuit_tests.c. */
#ifndef HAP_EVAL_CIRCUIT_TESTS_H
#define HAP_EVAL_CIRCUIT_TESTS_H

#include "eval/circuit_testing.h"

struct hap_circuit_test {
        const char *name, *help;
        int (*run)(struct hap_circuit_testing *t, struct hap_error *err);
};
extern const struct hap_circuit_test *const hap_circuit_tests[]; /* NULL-terminated */

/* The choices of an option, see hap_option. */
const char *hap_circuit_test_choice(int i, const char **help);
/* Checks names separated by commas, or "all". HAP_EUSAGE: unknown, or given twice. */
int hap_circuit_tests_check(const char *names, struct hap_error *err);

/* Runs the tests of these names on the circuit; sets model and circuit of *t. */
int hap_circuit_tests_run(struct hap_circuit_testing *t, const char *names, struct hap_error *err);

/* The tests that have files of their own. */
int hap_test_minimality(struct hap_circuit_testing *t, struct hap_error *err);
int hap_test_completeness(struct hap_circuit_testing *t, struct hap_error *err);
int hap_test_sufficiency(struct hap_circuit_testing *t, struct hap_error *err);
int hap_test_necessity(struct hap_circuit_testing *t, struct hap_error *err);

#endif
