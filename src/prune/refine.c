#include "prune/refine.h"

#include <math.h>
#include <string.h>

#include "prune/edge_order.h"
#include "prune/sample.h"

enum { HALVINGS = 10 }; /* steps of the binary search for ln λ */

/* Changes h as little as needed so that the edges of z rank first, and ranks the edges by
 * it. */
static int put_circuit_first(struct hap_ranker *r, const float *z, size_t n_inside,
                             struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        double *h = r->score, size = 0, border;
        int rc = hap_prune_rank(p, h, UINT64_MAX, r->order, err);

        if (rc < 0)
                return rc;
        for (size_t k = 0; k < p->n_allowed; k++)
                size += fabs(h[p->edges[k]]) / (double)p->n_allowed;
        border = h[r->order[n_inside - 1]];
        for (size_t k = 0; k < p->n_allowed; k++) {
                size_t e = p->edges[k];

                if (z[e] > 0 && h[e] < border)
                        h[e] = border;
                else if (z[e] == 0 && h[e] >= border)
                        h[e] = border - 1e-6 * size;
        }
        return hap_prune_rank(p, h, UINT64_MAX, r->order, err);
}

/* Updates v by a new gradient. *kl: the mean KL of the runs that gave it. */
static int update_velocity(struct hap_ranker *r, int64_t round, size_t n_inside, double *kl,
                           struct hap_error *err)
{
        struct hap_pruning *p = r->p;
        const struct hap_prune_options *o = p->options;
        const size_t n = hap_min((size_t)o->refine_on, p->prompts->n);
        struct hap_runs runs = {.n = n, .which = r->which, .z = (const float *const *)r->z,
                                .wanted = p->allowed};
        double size = 0;
        /* indices of random numbers that no step uses */
        int rc = hap_rank_sample(r, ((uint64_t)round + 1) << 32, n, (double)n_inside,
                                 o->round_sharpness, (enum hap_mask_kind)o->masks, err);

        if (rc == HAP_OK && hap_prune_batch(p, (long)round, n, false, r->which) == 0)
                return hap_fail_memory(err, "the order of prompts");
        if (rc == HAP_OK)
                rc = hap_masked_kl_run(&p->masked_kl, &runs, r->kl, r->gradient, err);
        if (rc == HAP_OK)
                rc = hap_rank_mean_size(p, r->gradient, &size, err);
        if (rc < 0)
                return rc;
        for (size_t k = 0; k < p->n_allowed && size > 0; k++) {
                size_t e = p->edges[k];
                double max = o->round_clip, g = (double)r->gradient[e] / size;

                r->velocity[e] = o->velocity * r->velocity[e] - fmin(fmax(g, -max), max);
        }
        *kl = 0;
        for (size_t i = 0; i < n; i++)
                *kl += r->kl[i] / (double)n;
        return HAP_OK;
}

/* Sets r->scratch to the circuit of h + λ v. Returns the share of z's edges that are not in
 * it. */
static double try_move(struct hap_ranker *r, const float *z, size_t n_inside, double lambda,
                       struct hap_error *err)
{
        const size_t n = r->p->graph->n_edges;
        size_t left = 0;

        for (size_t e = 0; e < n; e++)
                r->trial[e] = r->score[e] + lambda * r->velocity[e];
        if (hap_prune_rank(r->p, r->trial, UINT64_MAX, r->order, err) < 0 ||
            hap_rank_circuit(r->p, r->order, r->scratch, err) < 0)
                return err->code;
        for (size_t e = 0; e < n; e++)
                left += z[e] > 0 && r->scratch[e] == 0;
        return (double)left / (double)n_inside;
}

/* Moves h to h + λ v, and z to its circuit, with the smallest λ that exchanges the wanted
 * share of z. */
static int move_by_share(struct hap_ranker *r, float *z, size_t n_inside, double share,
                         struct hap_error *err)
{
        double low = -14, high = 14;

        for (int halving = 0; halving < HALVINGS; halving++) {
                double middle = (low + high) / 2;
                double changed = try_move(r, z, n_inside, exp(middle), err);

                if (changed < 0)
                        return err->code;
                if (changed < share)
                        low = middle;
                else
                        high = middle;
        }
        if (try_move(r, z, n_inside, exp(high), err) < 0)
                return err->code;
        if (hap_graph_count_kept(r->p->graph, r->scratch) == 0) /* these edges form no path */
                return HAP_OK;
        memcpy(r->score, r->trial, r->p->graph->n_edges * sizeof *r->score);
        memcpy(z, r->scratch, r->p->graph->n_edges * sizeof *z);
        return HAP_OK;
}

int hap_refine_round(struct hap_ranker *r, int64_t round, float *z, double *kl,
                     struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        double share = o->share * pow(o->last_share / o->share, (double)round / (double)o->rounds);
        const size_t n_inside = hap_graph_count_kept(r->p->graph, z);
        int rc = put_circuit_first(r, z, n_inside, err);

        if (rc == HAP_OK)
                rc = update_velocity(r, round, n_inside, kl, err);
        return rc == HAP_OK ? move_by_share(r, z, n_inside, share, err) : rc;
}
