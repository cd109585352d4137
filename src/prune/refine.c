#include "prune/refine.h"

#include <math.h>
#include <string.h>

#include "prune/edge_order.h"
#include "prune/sample.h"

enum { HALVINGS = 10 }; /* of ln λ's range */

/* Changes h as little as makes the edges of z its first ones, and ranks by it. */
static int agree(struct hap_ranker *r, const float *z, size_t n_inside, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        double *h = r->harm, size = 0, border;
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

/* v of a new gradient, and the mean KL of the runs that gave it. */
static int learn(struct hap_ranker *r, int64_t round, size_t n_inside, double *kl,
                 struct hap_error *err)
{
        struct hap_pruning *p = r->p;
        const struct hap_prune_options *o = p->options;
        const size_t n = hap_smaller((size_t)o->refine_on, p->prompts->n);
        struct hap_runs runs = {.n = n, .which = r->which, .z = (const float *const *)r->z,
                                .wanted = p->allowed};
        double size = 0;
        /* the steps' places are below */
        int rc = hap_rank_sample(r, ((uint64_t)round + 1) << 32, n, (double)n_inside,
                                 o->round_sharpness, (enum hap_mask_kind)o->masks, err);

        if (rc == HAP_OK && hap_prune_batch(p, (long)round, n, false, r->which) == 0)
                return hap_fail_memory(err, "the order of prompts");
        if (rc == HAP_OK)
                rc = hap_measure(&p->measure, &runs, r->kl, r->gradient, err);
        if (rc == HAP_OK)
                rc = hap_rank_mean_size(p, r->gradient, &size, err);
        if (rc < 0)
                return rc;
        for (size_t k = 0; k < p->n_allowed && size > 0; k++) {
                size_t e = p->edges[k];
                double most = o->round_clip, g = (double)r->gradient[e] / size;

                r->velocity[e] = o->velocity * r->velocity[e] - fmin(fmax(g, -most), most);
        }
        *kl = 0;
        for (size_t i = 0; i < n; i++)
                *kl += r->kl[i] / (double)n;
        return HAP_OK;
}

/* The circuit of h + λ v to r->scratch; returns the share of z's edges that it lacks. */
static double move(struct hap_ranker *r, const float *z, size_t n_inside, double lambda,
                   struct hap_error *err)
{
        const size_t n = r->p->graph->n_edges;
        size_t left = 0;

        for (size_t e = 0; e < n; e++)
                r->moved[e] = r->harm[e] + lambda * r->velocity[e];
        if (hap_prune_rank(r->p, r->moved, UINT64_MAX, r->order, err) < 0 ||
            hap_rank_circuit(r->p, r->order, r->scratch, err) < 0)
                return err->code;
        for (size_t e = 0; e < n; e++)
                left += z[e] > 0 && r->scratch[e] == 0;
        return (double)left / (double)n_inside;
}

/* h + λ v and its circuit, λ the least that changes the wanted share of z. */
static int take_step(struct hap_ranker *r, float *z, size_t n_inside, double share,
                     struct hap_error *err)
{
        double low = -14, high = 14;

        for (int halving = 0; halving < HALVINGS; halving++) {
                double middle = (low + high) / 2;
                double changed = move(r, z, n_inside, exp(middle), err);

                if (changed < 0)
                        return err->code;
                if (changed < share)
                        low = middle;
                else
                        high = middle;
        }
        if (move(r, z, n_inside, exp(high), err) < 0)
                return err->code;
        if (hap_graph_count_kept(r->p->graph, r->scratch) == 0) /* these edges join nothing */
                return HAP_OK;
        memcpy(r->harm, r->moved, r->p->graph->n_edges * sizeof *r->harm);
        memcpy(z, r->scratch, r->p->graph->n_edges * sizeof *z);
        return HAP_OK;
}

int hap_refine_round(struct hap_ranker *r, int64_t round, float *z, double *kl,
                     struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        double share = o->share * pow(o->last_share / o->share, (double)round / (double)o->rounds);
        const size_t n_inside = hap_graph_count_kept(r->p->graph, z);
        int rc = agree(r, z, n_inside, err);

        if (rc == HAP_OK)
                rc = learn(r, round, n_inside, kl, err);
        return rc == HAP_OK ? take_step(r, z, n_inside, share, err) : rc;
}
