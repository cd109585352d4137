/* Tests against random circuits of the same size (Shi et al. 2024, section 4). */
#include <stdlib.h>

#include "eval/circuit_tests.h"
#include "common/distributions.h"
#include "eval/random_circuit.h"
#include "forward/engine.h"

/* Whether the candidate beats the random circuit, given both distances from the model. */
typedef bool beats_fn(double candidate, double other);

static bool is_closer(double candidate, double other)
{
        return hap_test_is_larger(other, candidate);
}

static bool is_farther(double candidate, double other)
{
        return hap_test_is_larger(candidate, other);
}

static void complement(float *z, size_t n_edges)
{
        for (size_t e = 0; e < n_edges; e++)
                z[e] = 1 - z[e]; /* NOLINT(clang-analyzer-core.*): all edges are set */
}

/* D(s(M), s(z)), or of the complement of z. scores: [n], scratch. */
static int distance_of(const struct hap_circuit_testing *t, float *z, bool cut, double *scores,
                       double *distance, struct hap_error *err)
{
        int rc;

        if (cut)
                complement(z, t->engine->graph.n_edges);
        rc = hap_test_scores(t, z, scores, err);
        if (rc == HAP_OK)
                *distance = hap_test_distance(scores, t->model, t->prompts->n);
        return rc;
}

/* H0: P(the candidate beats a random circuit) <= q*. p = P(Binomial(N, q*) >= number beaten).
 * Passed: rejected. Ties are not beaten (in the authors' code they are, for sufficiency). */
static int test_against_random(struct hap_circuit_testing *t, const char *name, bool cut,
                               beats_fn *beats, struct hap_error *err)
{
        const struct hap_graph *graph = &t->engine->graph;
        const struct hap_random_key key = {t->seed, 0x5ff1};
        float *z = malloc(graph->n_edges * sizeof *z);
        double *scores = calloc(t->prompts->n + 1, sizeof *scores), own = 0, other, beaten = 0, p;
        json_t *record = hap_test_record(t, name);
        int rc = z && scores && record ? HAP_OK : hap_fail_memory(err, "random circuits");

        for (size_t e = 0; e < graph->n_edges && rc == 0; e++)
                z[e] = t->z[e];
        if (rc == 0)
                rc = distance_of(t, z, cut, scores, &own, err);
        for (uint64_t i = 0; i < HAP_TEST_CIRCUITS && rc == 0; i++) {
                if (hap_random_paths.draw(graph, t->z, key, i, z) < 0)
                        rc = hap_fail_memory(err, "random circuits");
                if (rc == 0)
                        rc = distance_of(t, z, cut, scores, &other, err);
                beaten += rc == 0 && beats(own, other);
        }
        free(z);
        free(scores);
        if (rc < 0)
                return rc;
        p = hap_binomial_at_least(HAP_TEST_CIRCUITS, HAP_TEST_QUANTILE, beaten);
        json_object_update_new(record, json_pack("{s:f, s:I}", "distance", own, "circuits",
                                                 (json_int_t)HAP_TEST_CIRCUITS));
        return hap_test_result(record, beaten / HAP_TEST_CIRCUITS, p, p < t->alpha, err);
}

int hap_test_sufficiency(struct hap_circuit_testing *t, struct hap_error *err)
{
        return test_against_random(t, "sufficiency", false, is_closer, err);
}

int hap_test_necessity(struct hap_circuit_testing *t, struct hap_error *err)
{
        return test_against_random(t, "partial-necessity", true, is_farther, err);
}
