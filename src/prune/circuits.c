#include "prune/circuits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/edge_order.h"
#include "prune/log.h"

enum { AT_ONCE = 32 }; /* circuits whose masks are in memory at a time */

int hap_circuits_init(struct hap_circuits *circuits, size_t n_edges, size_t capacity,
                      struct hap_error *err)
{
        *circuits = (struct hap_circuits){.bytes = (n_edges + 7) / 8, .capacity = capacity};
        circuits->bits = calloc(capacity ? capacity : 1, circuits->bytes);
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

        if ((size_t)circuits->n == circuits->capacity)
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

long hap_rank_circuit(const struct hap_pruning *pruning, const uint32_t *order, float *z,
                      struct hap_error *err)
{
        const struct hap_graph *graph = pruning->graph;
        const size_t n = pruning->n_target;
        long alive = (long)hap_edge_order_first(graph, order, n, z);

        if (alive > 0)
                alive = hap_edge_order_fill(graph, order, pruning->n_allowed, n, z);
        return alive < 0 ? hap_fail_memory(err, "circuits") : alive;
}

int hap_circuits_add_first(struct hap_circuits *circuits, const struct hap_pruning *pruning,
                           const uint32_t *order, float *z, struct hap_error *err)
{
        const long alive = hap_rank_circuit(pruning, order, z, err);

        if (alive > 0)
                hap_circuits_add(circuits, pruning->graph->n_edges, z);
        return alive < 0 ? err->code : HAP_OK;
}

void hap_circuits_get(const struct hap_circuits *circuits, int64_t i, size_t n_edges, float *z)
{
        const uint8_t *bits = circuits->bits + (size_t)i * circuits->bytes;

        for (size_t e = 0; e < n_edges; e++)
                z[e] = (float)(bits[e / 8] >> (e % 8) & 1);
}

/* hap_circuits_measure for the circuits first … first + portion - 1, whose masks are all in
 * memory. */
static int measure_portion(const struct hap_circuits *circuits, size_t first, size_t portion,
                           struct hap_pruning *pruning, const uint32_t *order, size_t n, double *kl,
                           struct hap_error *err)
{
        const size_t n_edges = pruning->graph->n_edges;
        float *masks = calloc(portion * n_edges, sizeof *masks);
        int rc = masks ? HAP_OK : hap_fail_memory(err, "circuits");

        for (size_t i = 0; i < portion && rc == HAP_OK; i++)
                hap_circuits_get(circuits, (int64_t)(first + i), n_edges, masks + i * n_edges);
        if (rc == HAP_OK)
                rc = hap_masked_kl_means(&pruning->masked_kl, portion, masks, order, n, kl + first,
                                         err);
        free(masks);
        return rc;
}

/* The portions are of even size, so that none is too small to keep the threads busy. */
int hap_circuits_measure(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                         const uint32_t *order, size_t n, double *kl, struct hap_error *err)
{
        size_t all = (size_t)circuits->n, portions = (all + AT_ONCE - 1) / AT_ONCE;
        int rc = HAP_OK;

        for (size_t i = 0; i < portions && rc == HAP_OK; i++) {
                size_t first = all * i / portions, end = all * (i + 1) / portions;

                rc = measure_portion(circuits, first, end - first, pruning, order, n, kl, err);
        }
        return rc;
}

/* The circuits that are left, which[0 … n-1], and their mean KL over the first `prompts` of
 * `order`. */
struct contest {
        const struct hap_circuits *circuits;
        struct hap_pruning *pruning;
        const uint32_t *order;
        size_t n, prompts;
        int64_t *which;
        double *kl;
};

/* Lowest KL first; a stable sort. */
static void sort_by_kl(struct contest *c)
{
        for (size_t i = 1; i < c->n; i++) {
                int64_t which = c->which[i];
                double kl = c->kl[i];
                size_t at = i;

                for (; at > 0 && kl < c->kl[at - 1]; at--) {
                        c->kl[at] = c->kl[at - 1];
                        c->which[at] = c->which[at - 1];
                }
                c->kl[at] = kl;
                c->which[at] = which;
        }
}

/* Measures the circuits that are left on `more` further prompts and keeps the `keep` best. */
static int contest_round(struct contest *c, size_t more, size_t keep, struct hap_error *err)
{
        size_t bytes = c->circuits->bytes;
        struct hap_circuits left;
        double *again;
        int rc;

        if (hap_prune_stopping(c->pruning))
                return HAP_PRUNE_STOPPED;
        again = calloc(c->n, sizeof *again);
        rc = hap_circuits_init(&left, c->pruning->graph->n_edges, c->n, err);
        if (rc == HAP_OK && !again)
                rc = hap_fail_memory(err, "circuits");
        for (; rc == HAP_OK && (size_t)left.n < c->n; left.n++)
                memcpy(left.bits + (size_t)left.n * bytes,
                       c->circuits->bits + (size_t)c->which[left.n] * bytes, bytes);
        if (rc == HAP_OK)
                rc = hap_circuits_measure(&left, c->pruning, c->order + c->prompts, more, again,
                                          err);
        for (size_t i = 0; i < c->n && rc == HAP_OK; i++)
                c->kl[i] = (c->kl[i] * (double)c->prompts + again[i] * (double)more) /
                           (double)(c->prompts + more);
        if (rc == HAP_OK)
                sort_by_kl(c);
        c->prompts += more;
        c->n = hap_min(c->n, keep);
        hap_circuits_release(&left);
        free(again);
        return rc;
}

int hap_circuits_best(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                      const uint32_t *order, size_t on, float *z, double *kl,
                      struct hap_error *err)
{
        const struct hap_prune_options *o = pruning->options;
        size_t all = (size_t)circuits->n, n = pruning->prompts->n;
        size_t few = hap_min((size_t)o->finalists, all);
        struct contest contest = {circuits, pruning, order, .n = all};
        int rc = HAP_OK;

        if (all == 0) /* rank sampling adds one at the end of every restart */
                return hap_fail(err, HAP_EINPUT, "there is no circuit to choose from: the "
                                                 "checkpoint is damaged");
        on = hap_min(on, n);
        contest.which = calloc(all, sizeof *contest.which);
        contest.kl = calloc(all, sizeof *contest.kl);
        if (!contest.which || !contest.kl)
                rc = hap_fail_memory(err, "circuits");
        for (size_t i = 0; i < all && rc == HAP_OK; i++)
                contest.which[i] = (int64_t)i;
        for (size_t share = 4; share > 0 && rc == HAP_OK; share /= 2)
                if (on / share > contest.prompts)
                        rc = contest_round(&contest, on / share - contest.prompts,
                                  share > 1 ? hap_max(few, (contest.n + 1) / 2) : few, err);
        if (rc == HAP_OK && few > 1 && n > on && o->finalists_on > 0)
                rc = contest_round(&contest, hap_min((size_t)o->finalists_on, n - on), 1, err);
        if (rc == HAP_OK) {
                *kl = contest.kl[0];
                pruning->kl_on = (int64_t)contest.prompts;
                hap_circuits_get(circuits, contest.which[0], pruning->graph->n_edges, z);
        }
        free(contest.which);
        free(contest.kl);
        return rc;
}
