#include "attrib/confidence.h"

#include <stdlib.h>
#include <string.h>

#include "common/bootstrap.h"

/* Edges that are resampled together. */
#define BLOCK 128

static double mean_of_column(const void *column, const double *means)
{
        return means[*(const size_t *)column];
}

/* Means and intervals of edges [begin, begin + n). */
static int resample_block(const struct hap_example_scores *s, const struct hap_confidence *c,
                          size_t begin, size_t n, struct hap_edges *edges)
{
        double *values = malloc(s->n * n * sizeof *values);
        struct hap_bootstrap bootstrap;

        for (size_t i = 0; values && i < s->n; i++)
                for (size_t k = 0; k < n; k++)
                        values[i * n + k] = (double)s->values[i * s->n_scores + begin + k];
        if (!values || hap_bootstrap_init(&bootstrap, values, s->n, n, c->resamples, 0, 0) < 0) {
                free(values);
                return -1;
        }
        for (size_t k = 0; k < n; k++) {
                const struct hap_interval interval = hap_bootstrap_interval(
                        &bootstrap, mean_of_column, &k, c->level);

                edges->score[begin + k] = bootstrap.mean[k];
                edges->given[begin + k] = interval.low > 0 || interval.high < 0;
        }
        hap_bootstrap_release(&bootstrap);
        free(values);
        return 0;
}

static int begin_edges(const struct hap_example_scores *s, struct hap_edges *edges,
                       struct hap_error *err)
{
        *edges = (struct hap_edges){
                .header = json_deep_copy(s->header),
                .name = strdup(s->name),
                .score = calloc(s->graph.n_edges, sizeof *edges->score),
                .given = calloc(s->graph.n_edges, sizeof *edges->given),
        };
        if (!edges->header || !edges->name || !edges->score || !edges->given)
                return hap_fail_memory(err, "scores");
        return hap_graph_copy(&edges->graph, &s->graph, err);
}

int hap_confident_edges(const struct hap_example_scores *s, const struct hap_confidence *c,
                        struct hap_edges *edges, struct hap_error *err)
{
        const size_t n = s->graph.n_edges;
        int failed = 0, rc;

        *edges = (struct hap_edges){0};
        if (s->of_nodes)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': its scores are of nodes",
                                s->name);
        if (s->n < 2)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': intervals need at least two "
                                "examples", s->name);
        if ((rc = begin_edges(s, edges, err)) < 0)
                goto out;
#pragma omp parallel for schedule(dynamic, 1) reduction(|:failed)
        for (size_t begin = 0; begin < n; begin += BLOCK)
                failed |= resample_block(s, c, begin, n - begin < BLOCK ? n - begin : BLOCK, edges);
        for (size_t e = 0; e < n; e++)
                edges->n_given += edges->given[e];
        if (failed)
                rc = hap_fail_memory(err, "the bootstrap");
        else if (edges->n_given == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot select from '%s': the interval of every "
                              "edge contains 0", s->name);
out:
        if (rc < 0)
                hap_edges_release(edges);
        return rc;
}
