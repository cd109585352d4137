#include "prune/removal.h"

#include <stdlib.h>
#include <string.h>

#include "prune/log.h"

enum { AT_ONCE = 32 }; /* circuits whose masks are in memory at a time */

struct removals {
        struct hap_pruning *p;
        uint32_t *prompts; /* the first `on` are those that KL is measured on */
        size_t on;
        float *masks; /* [AT_ONCE][n_edges], scratch */
};

/* Sets cost[e] to the KL of the circuit without e, for the n edges of the list. The edge that the
 * graph does not have (n_edges) stands for none; its KL is *base. */
static int measure_portion(const struct removals *r, const float *circuit, const size_t *edges,
                           size_t n, double *cost, double *base, struct hap_error *err)
{
        const size_t n_edges = r->p->graph->n_edges;
        double kl[AT_ONCE];
        int rc;

        for (size_t i = 0; i < n; i++) {
                float *z = r->masks + i * n_edges;

                memcpy(z, circuit, n_edges * sizeof *z);
                if (edges[i] < n_edges)
                        z[edges[i]] = 0;
                hap_graph_drop_dead(r->p->graph, z);
        }
        rc = hap_masked_kl_means(&r->p->masked_kl, n, r->masks, r->prompts, r->on, kl, err);
        for (size_t i = 0; i < n && rc == HAP_OK; i++)
                *(edges[i] < n_edges ? cost + edges[i] : base) = kl[i];
        return rc;
}

static int measure_removals(const struct removals *r, struct hap_pruned *pruned,
                            struct hap_error *err)
{
        const size_t n_edges = r->p->graph->n_edges;
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
                rc = hap_prune_stopping(r->p) ? HAP_PRUNE_STOPPED
                                              : measure_portion(r, pruned->z, edges, n,
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
        const size_t all = p->prompts->n;
        struct removals r = {.p = p, .on = hap_min((size_t)p->options->cost_on, all)};
        int rc = HAP_OK;

        if (r.on == 0)
                return HAP_OK;
        r.prompts = calloc(all, sizeof *r.prompts);
        r.masks = calloc(AT_ONCE * p->graph->n_edges, sizeof *r.masks);
        if (!r.prompts || !r.masks)
                rc = hap_fail_memory(err, "the removals");
        else
                hap_random_shuffle(hap_prune_key(p, HAP_PRUNE_REMOVALS), 0, all, r.prompts);
        if (rc == HAP_OK)
                rc = measure_removals(&r, &p->result, err);
        if (rc == HAP_OK && p->threshold_circuit.z)
                rc = measure_removals(&r, &p->threshold_circuit, err);
        free(r.prompts);
        free(r.masks);
        return rc;
}
