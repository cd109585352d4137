/* Sets of circuits, and the best of them by exact KL. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/rank.h"
#include "prune/ranking.h"

int hap_circuits_init(struct hap_circuits *circuits, size_t n_edges, size_t room,
                      struct hap_error *err)
{
        *circuits = (struct hap_circuits){.bytes = (n_edges + 7) / 8, .room = room};
        circuits->bits = calloc(room ? room : 1, circuits->bytes);
        return circuits->bits ? HAP_OK : hap_fail_memory(err, "circuits");
}

void hap_circuits_release(struct hap_circuits *circuits)
{
        free(circuits->bits);
        *circuits = (struct hap_circuits){0};
}

void hap_circuits_add(struct hap_circuits *circuits, size_t n_edges, const float *z)
{
        uint8_t *next = circuits->bits + (size_t)circuits->n * circuits->bytes;

        if ((size_t)circuits->n == circuits->room)
                return;
        memset(next, 0, circuits->bytes);
        for (size_t e = 0; e < n_edges; e++) {
                if (z[e] > 0)
                        next[e / 8] |= (uint8_t)(1u << (e % 8));
        }
        for (int64_t i = 0; i < circuits->n; i++) {
                if (memcmp(circuits->bits + (size_t)i * circuits->bytes, next,
                           circuits->bytes) == 0)
                        return;
        }
        circuits->n++;
}

int hap_circuits_add_first(struct hap_circuits *circuits, const struct hap_pruning *pruning,
                           const uint32_t *order, float *z, struct hap_error *err)
{
        const struct hap_graph *graph = pruning->graph;

        if (hap_rank_first(graph, order, pruning->n_target, z) == 0)
                return HAP_OK;
        if (hap_rank_fill(graph, order, pruning->n_allowed, pruning->n_target, z) < 0)
                return hap_fail_memory(err, "circuits");
        hap_circuits_add(circuits, graph->n_edges, z);
        return HAP_OK;
}

void hap_circuits_get(const struct hap_circuits *circuits, int64_t i, size_t n_edges, float *z)
{
        const uint8_t *bits = circuits->bits + (size_t)i * circuits->bytes;

        for (size_t e = 0; e < n_edges; e++)
                z[e] = (float)(bits[e / 8] >> (e % 8) & 1);
}

int hap_circuits_measure(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                         const uint32_t *order, size_t n, double *kl, struct hap_error *err)
{
        size_t n_edges = pruning->graph->n_edges, circuits_n = (size_t)circuits->n;
        size_t all = circuits_n * n;
        float *masks = calloc(circuits_n * n_edges, sizeof *masks);
        uint32_t *which = calloc(all, sizeof *which);
        const float **z = calloc(all, sizeof *z);
        double *each = calloc(all, sizeof *each);
        struct hap_runs runs = {.n = all, .which = which, .z = z, .group = n};
        int rc;

        if (!masks || !which || !z || !each) {
                rc = hap_fail_memory(err, "circuits");
                goto out;
        }
        for (size_t i = 0; i < circuits_n; i++)
                hap_circuits_get(circuits, (int64_t)i, n_edges, masks + i * n_edges);
        for (size_t i = 0; i < all; i++) {
                which[i] = order[i % n];
                z[i] = masks + i / n * n_edges;
        }
        rc = hap_measure(&pruning->measure, &runs, each, NULL, err);
        for (size_t i = 0; i < circuits_n && rc == HAP_OK; i++) {
                kl[i] = 0;
                for (size_t j = 0; j < n; j++)
                        kl[i] += each[i * n + j] / (double)n;
        }
out:
        free(masks);
        free(which);
        free(z);
        free(each);
        return rc;
}

/* The `room` circuits of least KL, the least first, of equal ones the earlier;
 * their KL to first[]. */
static void least(const struct hap_circuits *circuits, double *kl, size_t n_edges,
                     struct hap_circuits *finalists, double *first, float *z)
{
        while ((size_t)finalists->n < finalists->room) {
                int64_t best = 0, n = finalists->n;

                for (int64_t i = 1; i < circuits->n; i++) {
                        if (kl[i] < kl[best])
                                best = i;
                }
                first[n] = kl[best];
                kl[best] = INFINITY;
                hap_circuits_get(circuits, best, n_edges, z);
                hap_circuits_add(finalists, n_edges, z);
        }
}

/* The mean over `on` prompts, and over `more` ones, as one over all. */
static void join(double *kl, const double *again, int64_t n, size_t on, size_t more)
{
        for (int64_t i = 0; i < n; i++)
                kl[i] = (kl[i] * (double)on + again[i] * (double)more) / (double)(on + more);
}

int hap_circuits_best(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                      const uint32_t *order, size_t on, float *z, double *kl,
                      struct hap_error *err)
{
        const struct hap_prune_options *o = pruning->options;
        size_t all = (size_t)circuits->n, n = pruning->prompts->n;
        size_t n_edges = pruning->graph->n_edges;
        size_t few = hap_smaller((size_t)o->finalists, all), more;
        double *each = calloc(3 * all, sizeof *each), *first = each + all, *again = first + all;
        struct hap_circuits finalists;
        int64_t best = 0;
        int rc = hap_circuits_init(&finalists, n_edges, few, err);

        if (rc == HAP_OK && !each)
                rc = hap_fail_memory(err, "circuits");
        on = hap_smaller(on, n);
        more = hap_smaller((size_t)o->finalists_on, n - on);
        if (rc == HAP_OK)
                rc = hap_circuits_measure(circuits, pruning, order, on, each, err);
        if (rc < 0)
                goto out;
        least(circuits, each, n_edges, &finalists, first, z);
        if (more > 0 && few > 1) {
                rc = hap_circuits_measure(&finalists, pruning, order + on, more, again, err);
                join(first, again, finalists.n, on, more);
        }
        for (int64_t i = 1; i < finalists.n; i++) {
                if (first[i] < first[best])
                        best = i;
        }
        *kl = first[best];
        hap_circuits_get(&finalists, best, n_edges, z);
out:
        hap_circuits_release(&finalists);
        free(each);
        return rc;
}
