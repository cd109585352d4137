#include "prune/swaps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/circuits.h"
#include "prune/edge_order.h"

enum {
        PROPOSED = 12,    /* edges to add, and as many to remove */
        PAIRS = 3,        /* exchanged together, at most */
        CHUNK = 32,       /* prompts whose masks are in memory at a time */
        MAX_JUDGES = 256, /* prompts that exchanges are judged on */
};
#define FLIPPED 0.1 /* share of the circuit's edges that is closed for a gradient */

struct swap {
        struct hap_pruning *p;
        int64_t round;
        size_t n_edges, n_inside;
        const float *z;  /* the circuit */
        uint32_t *order; /* prompts */
        size_t n_judges, n_tries;
        double *gain;    /* [n_edges]: −Σ d KL / dz */
        uint32_t *ranked; /* [n_allowed] by gain */
        uint32_t add[PROPOSED], remove[PROPOSED];
        size_t n_add, n_remove;
        struct hap_circuits tries;
};

static void swap_release(struct swap *s)
{
        free(s->order);
        free(s->gain);
        free(s->ranked);
        hap_circuits_release(&s->tries);
}

static int swap_init(struct swap *s, struct hap_error *err)
{
        const struct hap_prune_options *o = s->p->options;
        size_t n = s->p->prompts->n;

        s->n_edges = s->p->graph->n_edges;
        s->n_judges = hap_min(n, MAX_JUDGES);
        s->n_tries = hap_min(s->n_judges, 2 * (size_t)o->choose_on);
        s->order = calloc(n, sizeof *s->order);
        s->gain = calloc(s->n_edges, sizeof *s->gain);
        s->ranked = calloc(s->p->n_allowed, sizeof *s->ranked);
        if (!s->order || !s->gain || !s->ranked)
                return hap_fail_memory(err, "swaps");
        hap_random_shuffle(hap_prune_key(s->p, HAP_PRUNE_SWAPS), (uint64_t)s->round, n, s->order);
        return hap_circuits_init(&s->tries, s->n_edges, 2 * PROPOSED + 1, err);
}

/* Sets z to the circuit; for every second prompt a share FLIPPED of its edges is closed and
 * about as many others are open. */
static void flip_some_edges(const struct swap *s, size_t prompt, float *z)
{
        struct hap_random_key key = hap_prune_key(s->p, HAP_PRUNE_SWAPS);
        uint64_t index = ((uint64_t)s->round + 1) << 32 | prompt;
        double outside = (double)(s->p->n_allowed - s->n_inside);
        double opened = outside > 0 ? FLIPPED * (double)s->n_inside / outside : 0;

        memcpy(z, s->z, s->n_edges * sizeof *z);
        if (prompt % 2 == 0)
                return;
        for (size_t k = 0; k < s->p->n_allowed; k++) {
                size_t e = s->p->edges[k];

                if (hap_random_uniform(key, index, e) < (z[e] > 0 ? FLIPPED : opened))
                        z[e] = 1 - z[e];
        }
}

static int measure_gain(struct swap *s, struct hap_error *err)
{
        float *masks = calloc(CHUNK * s->n_edges, sizeof *masks);
        float *gradient = calloc(s->n_edges, sizeof *gradient);
        const float *z[CHUNK];
        double kl[CHUNK];
        int rc = masks && gradient ? HAP_OK : hap_fail_memory(err, "swaps");

        for (size_t first = 0; first < s->n_judges && rc == HAP_OK; first += CHUNK) {
                struct hap_runs runs = {.n = hap_min(CHUNK, s->n_judges - first),
                                        .which = s->order + first, .z = z,
                                        .wanted = s->p->allowed};

                for (size_t i = 0; i < runs.n; i++) {
                        z[i] = masks + i * s->n_edges;
                        flip_some_edges(s, first + i, masks + i * s->n_edges);
                }
                rc = hap_masked_kl_run(&s->p->masked_kl, &runs, kl, gradient, err);
                for (size_t e = 0; e < s->n_edges && rc == HAP_OK; e++)
                        s->gain[e] -= (double)gradient[e];
        }
        free(masks);
        free(gradient);
        return rc;
}

/* Proposes the outside edges with the largest gain and the inside edges with the smallest. */
static int propose_edges(struct swap *s, struct hap_error *err)
{
        size_t n = s->p->n_allowed;

        if (hap_prune_rank(s->p, s->gain, UINT64_MAX, s->ranked, err) < 0)
                return err->code;
        for (size_t k = 0; k < n && s->n_add < PROPOSED; k++) {
                if (s->z[s->ranked[k]] == 0)
                        s->add[s->n_add++] = s->ranked[k];
        }
        for (size_t k = n; k-- > 0 && s->n_remove < PROPOSED;) {
                if (s->z[s->ranked[k]] > 0)
                        s->remove[s->n_remove++] = s->ranked[k];
        }
        return HAP_OK;
}

/* Sets kl[i] to the exact KL with edge i of the list flipped alone, and kl[n] to the
 * circuit's. */
static int measure_flips(struct swap *s, const uint32_t *edges, size_t n, float *z, double *kl,
                         struct hap_error *err)
{
        s->tries.n = 0;
        for (size_t i = 0; i <= n; i++) {
                memcpy(z, s->z, s->n_edges * sizeof *z);
                if (i < n)
                        z[edges[i]] = 1 - z[edges[i]];
                hap_circuits_add(&s->tries, s->n_edges, z);
        }
        return hap_circuits_measure(&s->tries, s->p, s->order, s->n_tries, kl, err);
}

/* Sorts the edges by their KL, lowest first. */
static void sort_edges_by_kl(uint32_t *edges, double *kl, size_t n)
{
        for (size_t i = 1; i < n; i++) {
                for (size_t j = i; j > 0 && kl[j] < kl[j - 1]; j--) {
                        double value = kl[j];
                        uint32_t edge = edges[j];

                        kl[j] = kl[j - 1];
                        kl[j - 1] = value;
                        edges[j] = edges[j - 1];
                        edges[j - 1] = edge;
                }
        }
}

/* Sets z to the circuit with the first `pairs` of both lists exchanged. If the circuit is
 * smaller than wanted, more edges are added. The next edges of the ranking replace those that
 * died. */
static int exchange_pairs(const struct swap *s, size_t pairs, float *z, struct hap_error *err)
{
        size_t free_places = s->p->n_target > s->n_inside ? s->p->n_target - s->n_inside : 0;

        memcpy(z, s->z, s->n_edges * sizeof *z);
        for (size_t i = 0; i < pairs + free_places && i < s->n_add; i++)
                z[s->add[i]] = 1;
        for (size_t i = 0; i < pairs && i < s->n_remove; i++)
                z[s->remove[i]] = 0;
        hap_graph_drop_dead(s->p->graph, z);
        if (hap_edge_order_fill(s->p->graph, s->ranked, s->p->n_allowed, s->p->n_target, z) < 0)
                return hap_fail_memory(err, "swaps");
        return HAP_OK;
}

/* Measures the circuit and its exchanges on all judges and sets z to the best. 1: it is not the
 * circuit itself. An exchange that leaves fewer edges does not have the wanted size and is
 * skipped. */
static int best_exchange(struct swap *s, float *z, double *least, struct hap_error *err)
{
        double kl[PAIRS + 2] = {0};
        int64_t best = 0;
        int rc = HAP_OK;

        s->tries.n = 0;
        hap_circuits_add(&s->tries, s->n_edges, s->z);
        for (size_t pairs = 0; pairs <= PAIRS && rc == HAP_OK; pairs++) {
                rc = exchange_pairs(s, pairs, z, err);
                if (rc == HAP_OK && hap_graph_count_kept(s->p->graph, z) >= s->n_inside)
                        hap_circuits_add(&s->tries, s->n_edges, z);
        }
        if (rc == HAP_OK)
                rc = hap_circuits_measure(&s->tries, s->p, s->order, s->n_judges, kl, err);
        s->p->kl_on = (int64_t)s->n_judges;
        for (int64_t i = 1; i < s->tries.n && rc == HAP_OK; i++) {
                if (kl[i] < kl[best])
                        best = i;
        }
        if (rc < 0)
                return rc;
        *least = kl[best];
        hap_circuits_get(&s->tries, best, s->n_edges, z);
        return best > 0;
}

int hap_swap_round(struct hap_pruning *pruning, int64_t round, float *z, double *kl,
                   struct hap_error *err)
{
        struct swap s = {.p = pruning, .round = round, .z = z};
        float *other = calloc(pruning->graph->n_edges, sizeof *other);
        double alone[PROPOSED + 1];
        int rc = other ? swap_init(&s, err) : hap_fail_memory(err, "swaps");

        s.n_inside = hap_graph_count_kept(pruning->graph, z);
        if (rc == HAP_OK)
                rc = measure_gain(&s, err);
        if (rc == HAP_OK)
                rc = propose_edges(&s, err);
        if (rc == HAP_OK)
                rc = measure_flips(&s, s.add, s.n_add, other, alone, err);
        if (rc == HAP_OK) {
                sort_edges_by_kl(s.add, alone, s.n_add);
                rc = measure_flips(&s, s.remove, s.n_remove, other, alone, err);
        }
        if (rc == HAP_OK) {
                sort_edges_by_kl(s.remove, alone, s.n_remove);
                rc = best_exchange(&s, other, kl, err);
        }
        if (rc > 0)
                memcpy(z, other, s.n_edges * sizeof *z);
        free(other);
        swap_release(&s);
        return rc;
}
