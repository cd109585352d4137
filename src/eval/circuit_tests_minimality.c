/* Minimality (Shi et al. 2024, section 3): each edge of the circuit against random edges of
 * randomly inflated circuits.
 *
 * δ(e) = D(s(C), s(C without e)). A random δ: C and a random path together, C', have at least
 * one edge more; one of the new edges, r, is chosen at random; δ = D(s(C'), s(C' without r)).
 * H0 for every edge: P(δ(e) > δ of a random edge) >= q*. p = P(Binomial(N, q*) <= number of
 * random edges with a smaller δ), corrected over the edges by Holm's method, which their code
 * leaves out. An edge whose hypothesis is rejected is not needed. */
#include <stdlib.h>
#include <string.h>

#include "eval/circuit_tests.h"
#include "common/distributions.h"
#include "eval/random_circuit.h"
#include "forward/engine.h"

struct knockouts {
        struct hap_circuit_testing *t;
        float *z;           /* [n_edges], scratch */
        double *with, *without; /* [prompts->n], scratch */
        double random[HAP_TEST_CIRCUITS]; /* δ of random edges */
        double *p;          /* [edges of the circuit] */
};

/* Adds random paths to z until there is a new edge, and returns one of the new edges; SIZE_MAX
 * if none was found. */
static size_t inflate(const struct knockouts *k, struct hap_random_key key, uint64_t i)
{
        const struct hap_graph *graph = &k->t->engine->graph;
        uint64_t draws = 0;
        int added = 0;
        size_t at;

        for (int tries = 0; added == 0 && tries < 10000; tries++)
                added = hap_random_path(graph, key, i, &draws, k->z);
        if (added <= 0)
                return SIZE_MAX;
        at = (size_t)(hap_random_uniform(key, i, draws) * added);
        for (size_t e = 0;; e++)
                if (k->z[e] > 0 && k->t->z[e] == 0 && at-- == 0)
                        return e;
}

static int random_effects(struct knockouts *k, struct hap_error *err)
{
        const struct hap_random_key key = {k->t->seed, 0x1f1a};
        const size_t n_edges = k->t->engine->graph.n_edges;

        for (uint64_t i = 0; i < HAP_TEST_CIRCUITS; i++) {
                size_t edge;
                int rc;

                memcpy(k->z, k->t->z, n_edges * sizeof *k->z);
                edge = inflate(k, key, i);
                if (edge == SIZE_MAX)
                        return hap_fail(err, HAP_EINPUT, "cannot test the minimality of '%.200s': "
                                        "no path of the graph has an edge that it lacks",
                                        k->t->name);
                if ((rc = hap_test_scores(k->t, k->z, k->with, err)) < 0)
                        return rc;
                k->z[edge] = 0;
                if ((rc = hap_test_scores(k->t, k->z, k->without, err)) < 0)
                        return rc;
                k->random[i] = hap_test_distance(k->with, k->without, k->t->prompts->n);
        }
        return HAP_OK;
}

static double mean_difference(const double *a, const double *b, size_t n)
{
        double sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += a[i] - b[i];
        return sum / (double)n;
}

/* Appends {"edge", "difference", "statistic", "quantile", "p"}. */
static int test_edge(struct knockouts *k, size_t edge, double *p, struct hap_error *err)
{
        struct hap_circuit_testing *t = k->t;
        double effect, smaller = 0;
        char name[HAP_NAME];
        json_t *record;
        int rc;

        memcpy(k->z, t->z, t->engine->graph.n_edges * sizeof *k->z);
        k->z[edge] = 0;
        rc = hap_test_scores(t, k->z, k->without, err);
        if (rc < 0)
                return rc;
        effect = hap_test_distance(t->circuit, k->without, t->prompts->n);
        for (int i = 0; i < HAP_TEST_CIRCUITS; i++)
                smaller += hap_test_is_larger(effect, k->random[i]);
        *p = hap_binomial_at_most(HAP_TEST_CIRCUITS, HAP_TEST_QUANTILE, smaller);
        hap_graph_edge_name(&t->engine->graph, edge, name);
        record = hap_test_record(t, "minimality");
        if (!record || json_object_update_new(record, json_pack(
                    "{s:s, s:f, s:f, s:f, s:f}", "edge", name, "difference",
                    mean_difference(k->without, t->circuit, t->prompts->n), "statistic", effect,
                    "quantile", smaller / HAP_TEST_CIRCUITS, "p", *p)))
                return hap_fail_memory(err, "a record");
        return HAP_OK;
}

/* Corrects the p-values of the records from number `first` on, and appends the summary. */
static int summarise(struct knockouts *k, size_t first, size_t n, struct hap_error *err)
{
        struct hap_circuit_testing *t = k->t;
        double smallest = 1;
        size_t unneeded = 0;
        json_t *record;

        if (hap_holm(k->p, n, n, k->p) < 0)
                return hap_fail_memory(err, "p-values");
        for (size_t i = 0; i < n; i++) {
                record = json_array_get(t->records, first + i);
                json_object_update_new(record, json_pack("{s:f, s:b}", "p_holm", k->p[i], "needed",
                                                         k->p[i] >= t->alpha));
                unneeded += k->p[i] < t->alpha;
                smallest = k->p[i] < smallest ? k->p[i] : smallest;
        }
        record = hap_test_record(t, "minimality");
        if (record)
                json_object_update_new(record, json_pack("{s:I, s:I}", "edges", (json_int_t)n,
                                                         "unneeded", (json_int_t)unneeded));
        return hap_test_result(record, (double)unneeded / (double)(n ? n : 1), smallest,
                               unneeded == 0, err);
}

int hap_test_minimality(struct hap_circuit_testing *t, struct hap_error *err)
{
        const struct hap_graph *graph = &t->engine->graph;
        const size_t first = json_array_size(t->records);
        struct knockouts k = {
                .t = t, .z = malloc(graph->n_edges * sizeof *k.z),
                .with = calloc(t->prompts->n + 1, sizeof *k.with),
                .without = calloc(t->prompts->n + 1, sizeof *k.without),
                .p = calloc(hap_graph_count_kept(graph, t->z) + 1, sizeof *k.p)};
        size_t n = 0;
        int rc = k.z && k.with && k.without && k.p ? random_effects(&k, err)
                                                   : hap_fail_memory(err, "scores");

        for (size_t e = 0; e < graph->n_edges && rc == 0; e++)
                if (t->z[e] > 0) {
                        rc = test_edge(&k, e, k.p + n, err);
                        n++;
                }
        if (rc == 0)
                rc = summarise(&k, first, n, err);
        free(k.z);
        free(k.with);
        free(k.without);
        free(k.p);
        return rc;
}
