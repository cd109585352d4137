#include "eval/circuit_tests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/distributions.h"
#include "eval/hsic.h"
#include "forward/engine.h"

/* --- equivalence --- */

/* Passed: not rejected. The share has its own interval, because that alone is weak support. */
static int test_equivalence(struct hap_circuit_testing *t, struct hap_error *err)
{
        const size_t n = t->prompts->n;
        const double wins = hap_test_wins(t->circuit, t->model, n);
        const double p = hap_equivalence_p(n, wins, HAP_TEST_EPSILON);
        json_t *record = hap_test_record(t, "equivalence");
        double low, high;

        hap_binomial_interval(n, wins, 1 - t->alpha, &low, &high);
        if (record)
                json_object_update_new(record, json_pack("{s:f, s:f, s:f, s:f}", "share",
                                                         wins / (double)n, "low", low, "high",
                                                         high, "level", 1 - t->alpha));
        return hap_test_result(record, fabs(wins / (double)n - 0.5), p, p >= t->alpha, err);
}

/* --- independence --- */

/* HSIC keeps n² numbers: more examples than this are thinned evenly. */
enum { MAX_HSIC = 1000 };

/* H0: s(M without C) is independent of s(M). Passed: not rejected. Corrected against the
 * authors' code: each kernel has the width of its own variable, not both the median distance
 * between the two; the observed order counts as a permutation, so that p is never 0. */
static int test_independence(struct hap_circuit_testing *t, struct hap_error *err)
{
        const struct hap_graph *graph = &t->engine->graph;
        const size_t n = t->prompts->n, used = n < MAX_HSIC ? n : MAX_HSIC;
        const struct hap_random_key key = {t->seed, 0x451c};
        float *rest = malloc(graph->n_edges * sizeof *rest);
        double *x = calloc(n + 1, sizeof *x), *y = calloc(n + 1, sizeof *y);
        json_t *record = hap_test_record(t, "independence");
        struct hap_hsic hsic;
        bool differ = false; /* the model's scores, by more than rounding */
        int rc = rest && x && y && record ? HAP_OK : hap_fail_memory(err, "scores");

        for (size_t e = 0; e < graph->n_edges && rc == 0; e++)
                rest[e] = 1 - t->z[e];
        if (rc == 0)
                rc = hap_test_scores(t, rest, y, err);
        if (rc == 0) {
                for (size_t i = 0; i < used; i++) {
                        x[i] = t->model[i * n / used];
                        y[i] = y[i * n / used];
                        differ |= hap_test_wins(x + i, x, 1) != 0.5;
                }
                json_object_set_new(record, "examples", json_integer((json_int_t)used));
                rc = differ ? hap_hsic_test(x, y, used, HAP_TEST_PERMUTATIONS, key, &hsic) : 1;
                if (rc == 0)
                        rc = hap_test_result(record, hsic.statistic, hsic.p, hsic.p >= t->alpha,
                                             err);
                else if (rc > 0)
                        rc = json_object_set_new(record, "note", json_string(
                                "the scores are the same on every example"));
                else
                        rc = hap_fail_memory(err, "kernels");
        }
        free(rest);
        free(x);
        free(y);
        return rc;
}

/* --- the table --- */

#define TEST(row, title, text, function)                                                          \
        static const struct hap_circuit_test row = {.name = title, .help = text, .run = function}
TEST(equivalence, "equivalence", "whether the circuit is better than the model half of the time",
     test_equivalence);
TEST(completeness, "completeness", "whether circuit and model agree when parts are knocked out",
     hap_test_completeness);
TEST(minimality, "minimality", "which edges matter no more than edges added at random",
     hap_test_minimality);
TEST(independence, "independence", "whether the rest of the model knows anything of the model",
     test_independence);
TEST(sufficiency, "sufficiency", "whether the circuit is better than random circuits",
     hap_test_sufficiency);
TEST(necessity, "partial-necessity", "whether the model needs the circuit more than random ones",
     hap_test_necessity);

const struct hap_circuit_test *const hap_circuit_tests[] = {
        &equivalence, &completeness, &minimality, &independence, &sufficiency, &necessity, NULL};

const char *hap_circuit_test_choice(int i, const char **help)
{
        if (help)
                *help = hap_circuit_tests[i] ? hap_circuit_tests[i]->help : NULL;
        return hap_circuit_tests[i] ? hap_circuit_tests[i]->name : NULL;
}

/* How often the name is in the list. */
static int times_named(const char *names, const char *name, size_t length)
{
        int n = 0;

        for (;;) {
                const size_t here = strcspn(names, ",");

                n += here == length && memcmp(names, name, length) == 0;
                if (!names[here])
                        return n;
                names += here + 1;
        }
}

int hap_circuit_tests_check(const char *names, struct hap_error *err)
{
        char known[300] = "all";
        const char *at = names;

        for (int i = 0; hap_circuit_tests[i]; i++) {
                strcat(known, ", ");
                strcat(known, hap_circuit_tests[i]->name);
        }
        for (;; at++) {
                const size_t length = strcspn(at, ",");
                bool found = length == 3 && memcmp(at, "all", 3) == 0;

                for (int i = 0; hap_circuit_tests[i]; i++)
                        found |= strlen(hap_circuit_tests[i]->name) == length &&
                                 memcmp(at, hap_circuit_tests[i]->name, length) == 0;
                if (!found)
                        return hap_fail(err, HAP_EUSAGE, "there is no test '%.*s'; the tests are %s",
                                        length < 64 ? (int)length : 64, at, known);
                if (times_named(names, at, length) > 1)
                        return hap_fail(err, HAP_EUSAGE, "test '%.*s' is given twice", (int)length,
                                        at);
                at += length;
                if (!*at)
                        return HAP_OK;
        }
}

int hap_circuit_tests_run(struct hap_circuit_testing *t, const char *names, struct hap_error *err)
{
        const size_t n_edges = t->engine->graph.n_edges;
        double *model = calloc(t->prompts->n + 1, sizeof *model);
        double *circuit = calloc(t->prompts->n + 1, sizeof *circuit);
        float *all = malloc(n_edges * sizeof *all);
        int rc = model && circuit && all ? HAP_OK : hap_fail_memory(err, "scores");

        for (size_t e = 0; e < n_edges && rc == 0; e++)
                all[e] = 1;
        if (rc == 0)
                rc = hap_test_scores(t, all, model, err);
        if (rc == 0)
                rc = hap_test_scores(t, t->z, circuit, err);
        t->model = model;
        t->circuit = circuit;
        for (int i = 0; hap_circuit_tests[i] && rc == 0; i++) {
                const char *name = hap_circuit_tests[i]->name;

                if (times_named(names, name, strlen(name)) || times_named(names, "all", 3))
                        rc = hap_circuit_tests[i]->run(t, err);
        }
        t->model = t->circuit = NULL;
        free(model);
        free(circuit);
        free(all);
        return rc;
}
