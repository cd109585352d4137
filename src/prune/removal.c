#include "prune/removal.h"

#include <stdlib.h>
#include <string.h>

#include "prune/log.h"

enum { AT_ONCE = 32 }; /* circuits whose masks are in memory at a time */

/* Scratch for a portion of at most AT_ONCE circuits on n prompts each. */
struct portion {
        const uint32_t *prompts;
        size_t n;
        float *masks;    /* [AT_ONCE][n_edges] */
        uint32_t *which; /* [AT_ONCE * n] */
        const float **z; /* [AT_ONCE * n] */
        double *kl;      /* [AT_ONCE * n] */
};

static int portion_init(struct portion *s, const struct hap_pruning *p, const uint32_t *prompts,
                        size_t n, struct hap_error *err)
{
        *s = (struct portion){.prompts = prompts, .n = n};
        s->masks = calloc(AT_ONCE * p->graph->n_edges, sizeof *s->masks);
        s->which = calloc(AT_ONCE * n, sizeof *s->which);
        s->z = calloc(AT_ONCE * n, sizeof *s->z);
        s->kl = calloc(AT_ONCE * n, sizeof *s->kl);
        return s->masks && s->which && s->z && s->kl ? HAP_OK
                                                     : hap_fail_memory(err, "the removals");
}

static void portion_release(struct portion *s)
{
        free(s->masks);
        free(s->which);
        free(s->z);
        free(s->kl);
}

/* Sets cost[e] to the KL of the circuit without e, for the edges of the list. The edge that the
 * graph does not have (n_edges) stands for none; its KL is *base. */
static int measure_portion(struct hap_pruning *p, struct portion *s, const float *circuit,
                           const size_t *edges, size_t n_listed, double *cost, double *base,
                           struct hap_error *err)
{
        const size_t n_edges = p->graph->n_edges;
        struct hap_runs runs = {.n = n_listed * s->n, .which = s->which, .z = s->z,
                                .group = s->n};
        int rc;

        for (size_t i = 0; i < n_listed; i++) {
                float *z = s->masks + i * n_edges;

                memcpy(z, circuit, n_edges * sizeof *z);
                if (edges[i] < n_edges)
                        z[edges[i]] = 0;
                hap_graph_drop_dead(p->graph, z);
        }
        for (size_t i = 0; i < runs.n; i++) {
                s->which[i] = s->prompts[i % s->n];
                s->z[i] = s->masks + i / s->n * n_edges;
        }
        rc = hap_masked_kl_run(&p->masked_kl, &runs, s->kl, NULL, err);
        for (size_t i = 0; i < n_listed && rc == HAP_OK; i++) {
                double *to = edges[i] < n_edges ? cost + edges[i] : base;

                *to = 0;
                for (size_t j = 0; j < s->n; j++)
                        *to += s->kl[i * s->n + j] / (double)s->n;
        }
        return rc;
}

static int measure_removals(struct hap_pruning *p, struct hap_pruned *pruned, struct portion *s,
                            struct hap_error *err)
{
        const size_t n_edges = p->graph->n_edges;
        size_t edges[AT_ONCE], n = 0;
        double base = 0;
        int rc = HAP_OK;

        pruned->cost = calloc(n_edges, sizeof *pruned->cost);
        if (!pruned->cost)
                return hap_fail_memory(err, "the removals");
        for (size_t e = 0; e <= n_edges && rc == HAP_OK; e++) {
                if (e == n_edges || pruned->z[e] > 0)
                        edges[n++] = e;
                if (n < AT_ONCE && e < n_edges)
                        continue;
                rc = hap_prune_stopping(p) ? HAP_PRUNE_STOPPED
                                           : measure_portion(p, s, pruned->z, edges, n,
                                                             pruned->cost, &base, err);
                n = 0;
        }
        for (size_t e = 0; e < n_edges && rc == HAP_OK; e++)
                if (pruned->z[e] > 0)
                        pruned->cost[e] -= base;
        return rc;
}

int hap_prune_removals(struct hap_pruning *p, struct hap_error *err)
{
        const size_t all = p->prompts->n, n = hap_min((size_t)p->options->cost_on, all);
        uint32_t *prompts;
        struct portion scratch = {0};
        int rc;

        if (n == 0)
                return HAP_OK;
        prompts = calloc(all, sizeof *prompts);
        rc = prompts ? HAP_OK : hap_fail_memory(err, "the removals");
        if (rc == HAP_OK) {
                hap_random_shuffle(hap_prune_key(p, HAP_PRUNE_REMOVALS), 0, all, prompts);
                rc = portion_init(&scratch, p, prompts, n, err);
        }
        if (rc == HAP_OK)
                rc = measure_removals(p, &p->result, &scratch, err);
        if (rc == HAP_OK && p->threshold_circuit.z)
                rc = measure_removals(p, &p->threshold_circuit, &scratch, err);
        portion_release(&scratch);
        free(prompts);
        return rc;
}
