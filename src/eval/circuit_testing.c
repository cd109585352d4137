#include "eval/circuit_testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/distributions.h"
#include "forward/engine.h"
#include "metric/evaluate.h"

int hap_test_scores(const struct hap_circuit_testing *t, const float *z, double *scores,
                    struct hap_error *err)
{
        const struct hap_graph *graph = &t->engine->graph;
        float *live = malloc(graph->n_edges * sizeof *live);
        int rc;

        if (!live)
                return hap_fail_memory(err, "circuits");
        memcpy(live, z, graph->n_edges * sizeof *live);
        if (!t->keep_dead)
                hap_graph_drop_dead(graph, live);
        rc = hap_evaluate(t->engine, t->prompts, live, &t->metric, 1, scores, err);
        for (size_t i = 0; i < t->prompts->n && t->metric->lower_is_better; i++)
                scores[i] = -scores[i];
        free(live);
        return rc;
}

static bool is_tie(double a, double b)
{
        return fabs(a - b) <= 1e-5 * fmax(1, fmax(fabs(a), fabs(b)));
}

double hap_test_wins(const double *a, const double *b, size_t n)
{
        double wins = 0;

        for (size_t i = 0; i < n; i++)
                wins += is_tie(a[i], b[i]) ? 0.5 : a[i] > b[i];
        return wins;
}

double hap_test_distance(const double *a, const double *b, size_t n)
{
        double sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += is_tie(a[i], b[i]) ? 0 : (a[i] - b[i]) * (a[i] - b[i]);
        return sum / (double)n;
}

bool hap_test_is_larger(double a, double b)
{
        return a > b * (1 + 1e-6) + 1e-12;
}

json_t *hap_test_record(struct hap_circuit_testing *t, const char *test)
{
        json_t *record = json_pack("{s:s, s:s, s:s}", "circuit", t->name, "test", test, "metric",
                                   t->metric->name);

        return record && json_array_append_new(t->records, record) == 0 ? record : NULL;
}

int hap_test_result(json_t *record, double statistic, double p, bool passed,
                    struct hap_error *err)
{
        const int bad = !record || json_object_update_new(record, json_pack(
                "{s:f, s:f, s:b}", "statistic", statistic, "p", p, "passed", passed));

        return bad ? hap_fail_memory(err, "a record") : HAP_OK;
}

double hap_equivalence_p(size_t n, double wins, double epsilon)
{
        const double most = fmax(wins, (double)n - wins);

        if (2 * most <= (double)n)
                return 1;
        return fmin(1, hap_binomial_at_least(n, 0.5 + epsilon, most) +
                               hap_binomial_at_most(n, 0.5 + epsilon, (double)n - most));
}
