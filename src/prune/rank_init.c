#include "prune/rank_init.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/edge_order.h"

enum {
        VALUES = 5,      /* of the masks */
        REMOVALS = 1024, /* runs without an edge, about: more edges get fewer prompts */
};

static int add_scores_at(struct hap_ranker *r, float value, const struct hap_runs *runs, double *kl,
                         struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        int rc;

        for (size_t k = 0; k < p->n_allowed; k++)
                r->circuit[p->edges[k]] = value;
        rc = hap_masked_kl_run(&r->p->masked_kl, runs, kl, r->gradient, err);
        for (size_t e = 0; e < p->graph->n_edges && rc == HAP_OK; e++)
                r->measured_scores[e] -= (double)r->gradient[e];
        return rc;
}

/* Sets *n to the number of prompts that scores are measured on, at most that, and returns them, to be
 * freed; NULL: no memory. They are spread over all prompts and the same for every seed: seeds that
 * begin at the same circuit end at circuits that are more alike. */
static uint32_t *prompts_to_measure(const struct hap_pruning *p, size_t most, size_t *n)
{
        uint32_t *which;

        *n = hap_min(most, hap_min((size_t)p->options->refine_on, p->prompts->n));
        which = calloc(*n, sizeof *which);
        for (size_t i = 0; which && i < *n; i++)
                which[i] = (uint32_t)(i * p->prompts->n / *n);
        return which;
}

static int measure_gradients(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        size_t on;
        uint32_t *which = prompts_to_measure(p, SIZE_MAX, &on);
        const float **z = calloc(on, sizeof *z);
        double *kl = calloc(on, sizeof *kl);
        struct hap_runs runs = {.n = on, .which = which, .z = z, .wanted = p->allowed};
        int rc = which && z && kl ? HAP_OK : hap_fail_memory(err, "scores");

        memset(r->circuit, 0, p->graph->n_edges * sizeof *r->circuit);
        for (size_t i = 0; i < on && rc == HAP_OK; i++)
                z[i] = r->circuit;
        for (int i = 0; i < VALUES && rc == HAP_OK; i++)
                rc = add_scores_at(r, ((float)i + .5f) / VALUES, &runs, kl, err);
        free(which);
        free(z);
        free(kl);
        return rc;
}

/* The KL without each edge, less that of all edges. */
static int measure_removals(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        size_t on;
        uint32_t *which = prompts_to_measure(p, 1 + REMOVALS / p->n_allowed, &on);
        double all = 0, without;
        int rc = which ? HAP_OK : hap_fail_memory(err, "scores");

        memset(r->circuit, 0, p->graph->n_edges * sizeof *r->circuit);
        for (size_t k = 0; k < p->n_allowed; k++)
                r->circuit[p->edges[k]] = 1;
        if (rc == HAP_OK)
                rc = hap_masked_kl_means(&r->p->masked_kl, 1, r->circuit, which, on, &all, err);
        for (size_t k = 0; k < p->n_allowed && rc == HAP_OK; k++) {
                r->circuit[p->edges[k]] = 0;
                rc = hap_masked_kl_means(&r->p->masked_kl, 1, r->circuit, which, on, &without, err);
                r->measured_scores[p->edges[k]] = without - all;
                r->circuit[p->edges[k]] = 1;
        }
        free(which);
        return rc;
}

void hap_rank_from_scores(struct hap_ranker *r, bool by_size)
{
        const struct hap_pruning *p = r->p;
        const double *scores = r->initial_scores;
        double size = 0;

        for (size_t k = 0; scores && k < p->n_allowed; k++)
                size += fabs(scores[p->edges[k]]) / (double)p->n_allowed;
        for (size_t e = 0; e < p->graph->n_edges; e++) {
                double score = scores && size > 0 ? scores[e] / size : 0;

                r->score[e] = by_size ? fabs(score) : score;
        }
}

/* Adds the circuit that the scores give, if their first edges form a path. */
static int add_circuit_of_scores(struct hap_ranker *r, bool by_size, struct hap_circuits *tries,
                                 struct hap_error *err)
{
        hap_rank_from_scores(r, by_size);
        if (hap_prune_rank(r->p, r->score, UINT64_MAX, r->order, err) < 0)
                return err->code;
        return hap_circuits_add_first(tries, r->p, r->order, r->circuit, err);
}

/* Which scores rank the edges, and how. */
struct start {
        bool own, by_size;
};

static void set_start(struct hap_ranker *r, struct start start)
{
        r->own = start.own;
        r->by_size = start.by_size;
        r->initial_scores = start.own ? r->measured_scores : r->p->scores;
}

/* Of the starts, whichever circuit has the lowest KL on `choose-on` prompts. */
static int choose_start(struct hap_ranker *r, const struct start *starts, size_t n,
                        const uint32_t *order, struct hap_error *err)
{
        struct hap_pruning *p = r->p;
        const size_t on = hap_min((size_t)p->options->choose_on, p->prompts->n);
        struct start tried[4] = {{0}};
        struct hap_circuits tries;
        double kl[4] = {0};
        size_t best = 0;
        int rc = hap_circuits_init(&tries, p->graph->n_edges, n, err);

        for (size_t i = 0; i < n && rc == HAP_OK; i++) {
                const int64_t before = tries.n;

                set_start(r, starts[i]);
                rc = add_circuit_of_scores(r, starts[i].by_size, &tries, err);
                if (tries.n > before) /* not if it is one of the others */
                        tried[before] = starts[i];
        }
        if (rc == HAP_OK && tries.n > 1)
                rc = hap_circuits_measure(&tries, p, order, on, kl, err);
        for (size_t i = 1; i < (size_t)tries.n && rc == HAP_OK; i++)
                if (kl[i] < kl[best])
                        best = i;
        if (rc == HAP_OK)
                set_start(r, tries.n > 0 ? tried[best] : starts[n - 1]);
        hap_circuits_release(&tries);
        return rc;
}

int hap_rank_start(struct hap_ranker *r, bool refines, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        const bool own = refines ? p->options->own_scores || !p->scores
                                 : p->n_allowed <= (size_t)p->options->exact_edges;
        uint32_t *order = calloc(p->prompts->n, sizeof *order);
        struct start starts[4];
        size_t n = 0;
        int rc = order ? HAP_OK : hap_fail_memory(err, "the order of prompts");

        if (rc == HAP_OK)
                hap_random_shuffle(hap_prune_key(p, HAP_PRUNE_CHOICE), UINT64_MAX,
                                   p->prompts->n, order);
        memset(r->measured_scores, 0, p->graph->n_edges * sizeof *r->measured_scores);
        if (rc == HAP_OK && own)
                rc = refines ? measure_gradients(r, err) : measure_removals(r, err);
        for (int by_size = 0; by_size < 2; by_size++) {
                if (p->scores)
                        starts[n++] = (struct start){false, by_size};
                if (own)
                        starts[n++] = (struct start){true, by_size};
        }
        if (rc == HAP_OK && n > 0)
                rc = choose_start(r, starts, n, order, err);
        free(order);
        return rc;
}
