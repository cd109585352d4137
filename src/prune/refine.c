/* Refinement: a circuit moves along the gradient measured around it.
 *
 *      z ~ hard concrete(k ln((n + ½) / (rank + ½))) for each prompt, k large, so that
 *          only edges near the border of the circuit are in doubt
 *      v  ← μ v + clip(g / mean|g|),   g = −Σ_prompts d KL / dz
 *      h' = h + λ v, λ such that a share s of the circuit's edges changes
 *
 * The first n edges of h' for three shares, and the circuit itself, are judged
 * by exact KL on prompts that g did not see; the least is the circuit from then
 * on. When that is the old one, v is the better known for the next round, and s
 * is halved. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/rank.h"
#include "prune/ranking.h"

enum {
        SHARES = 3,  /* s, 2 s and s / 2 are tried */
        HALVINGS = 14, /* of ln λ's range */
};
#define LEAST_SHARE 0.0025
#define MOST_SHARE 0.5

struct refinement {
        struct hap_ranker *r;
        struct hap_pruning *p;
        size_t n_edges, n_inside;
        const float *z;     /* the circuit */
        uint32_t *order;    /* prompts: first those of the gradient, then judges */
        size_t n_learn, n_judge;
        double *moved;      /* [n_edges]: h' */
        double lambda[SHARES], share[SHARES];
        int64_t of[SHARES]; /* place among the tries; -1: not there */
        struct hap_circuits tries;
};

static void release(struct refinement *s)
{
        free(s->order);
        free(s->moved);
        hap_circuits_release(&s->tries);
}

static int reserve(struct refinement *s, int64_t round, struct hap_error *err)
{
        size_t n = s->p->prompts->n, most = (size_t)s->p->options->refine_on;

        s->n_edges = s->p->graph->n_edges;
        s->n_learn = hap_smaller((n + 1) / 2, most);
        s->n_judge = hap_smaller(n - s->n_learn, most);
        s->order = calloc(n, sizeof *s->order);
        s->moved = calloc(s->n_edges, sizeof *s->moved);
        if (!s->order || !s->moved)
                return hap_fail_memory(err, "refinement");
        hap_random_shuffle(hap_prune_key(s->p, HAP_PRUNE_REFINE), (uint64_t)round, n, s->order);
        if (s->n_judge == 0) /* a single prompt */
                s->n_judge = 1;
        for (size_t e = 0; e < s->n_edges; e++)
                s->n_inside += s->z[e] > 0;
        return hap_circuits_init(&s->tries, s->n_edges, SHARES + 1, err);
}

/* Changes h as little as makes the circuit's edges its first ones, and ranks by it. */
static int agree(struct refinement *s, struct hap_error *err)
{
        double *h = s->r->harm, size = 0, edge;
        int rc = hap_prune_rank(s->p, h, UINT64_MAX, s->r->order, err);

        if (rc < 0)
                return rc;
        for (size_t k = 0; k < s->p->n_allowed; k++)
                size += fabs(h[s->p->edges[k]]) / (double)s->p->n_allowed;
        edge = h[s->r->order[s->n_inside - 1]];
        for (size_t k = 0; k < s->p->n_allowed; k++) {
                size_t e = s->p->edges[k];

                if (s->z[e] > 0 && h[e] < edge)
                        h[e] = edge;
                else if (s->z[e] == 0 && h[e] >= edge)
                        h[e] = edge - 1e-6 * size;
        }
        return hap_prune_rank(s->p, h, UINT64_MAX, s->r->order, err);
}

static int learn(struct refinement *s, int64_t round, struct hap_error *err)
{
        const struct hap_prune_options *o = s->p->options;
        double size = 0;
        struct hap_runs runs = {.n = s->n_learn, .which = s->order,
                                .z = (const float *const *)s->r->z, .wanted = s->p->allowed};
        float *g = s->r->gradient;
        /* the steps' places are below */
        int rc = hap_rank_sample(s->r, ((uint64_t)round + 1) << 32, s->n_learn,
                                 (double)s->n_inside, o->round_sharpness,
                                 (enum hap_mask_kind)o->masks, err);

        if (rc == HAP_OK)
                rc = hap_measure(&s->p->measure, &runs, s->r->kl, g, err);
        if (rc == HAP_OK)
                rc = hap_rank_mean_size(s->p, g, &size, err);
        for (size_t k = 0; k < s->p->n_allowed && rc == HAP_OK && size > 0; k++) {
                size_t e = s->p->edges[k];
                double most = o->round_clip, ge = fmin(fmax((double)g[e] / size, -most), most);

                s->r->velocity[e] = o->velocity * s->r->velocity[e] - ge;
        }
        return rc;
}

/* Ranks by h' and returns the share of the circuit that is not among the first. */
static double move(struct refinement *s, double lambda, struct hap_error *err)
{
        size_t left = 0;

        for (size_t e = 0; e < s->n_edges; e++)
                s->moved[e] = s->r->harm[e] + lambda * s->r->velocity[e];
        if (hap_prune_rank(s->p, s->moved, UINT64_MAX, s->r->order, err) < 0)
                return err->code;
        for (size_t k = 0; k < s->n_inside; k++)
                left += s->z[s->r->order[k]] == 0;
        return (double)left / (double)s->n_inside;
}

/* λ for which about the wanted share changes, and the circuit it gives. */
static int try_share(struct refinement *s, int i, double share, struct hap_error *err)
{
        double low = -14, high = 14;
        int64_t before = s->tries.n;

        for (int halving = 0; halving < HALVINGS; halving++) {
                double middle = (low + high) / 2, changed = move(s, exp(middle), err);

                if (changed < 0)
                        return err->code;
                if (changed < share)
                        low = middle;
                else
                        high = middle;
        }
        s->share[i] = share;
        s->lambda[i] = exp(high);
        s->of[i] = -1;
        if (move(s, s->lambda[i], err) < 0)
                return err->code;
        if (hap_circuits_add_first(&s->tries, s->p, s->r->order, s->r->scratch, err) < 0)
                return err->code;
        if (s->tries.n > before)
                s->of[i] = before;
        return HAP_OK;
}

/* The least of the tries on the judges becomes the circuit. */
static int judge(struct refinement *s, float *z, double *least, struct hap_error *err)
{
        double kl[SHARES + 1];
        int best = -1, rc;

        rc = hap_circuits_measure(&s->tries, s->p, s->order + s->p->prompts->n - s->n_judge,
                                  s->n_judge, kl, err);
        if (rc < 0)
                return rc;
        *least = kl[0];
        for (int i = 0; i < SHARES; i++) {
                if (s->of[i] >= 0 && kl[s->of[i]] < *least) {
                        *least = kl[s->of[i]];
                        best = i;
                }
        }
        if (best < 0) {
                s->r->share = fmax(s->r->share / 2, LEAST_SHARE);
                return 0;
        }
        for (size_t e = 0; e < s->n_edges; e++)
                s->r->harm[e] += s->lambda[best] * s->r->velocity[e];
        s->r->share = s->share[best];
        hap_circuits_get(&s->tries, s->of[best], s->n_edges, z);
        return 1;
}

int hap_refine_round(struct hap_ranker *r, int64_t round, float *z, double *kl,
                     struct hap_error *err)
{
        struct refinement s = {.r = r, .p = r->p, .z = z};
        int rc = reserve(&s, round, err);

        if (rc == HAP_OK)
                rc = agree(&s, err);
        if (rc == HAP_OK)
                rc = learn(&s, round, err);
        if (rc == HAP_OK) {
                static const double times[SHARES] = {1, 2, .5};

                hap_circuits_add(&s.tries, s.n_edges, z);
                for (int i = 0; i < SHARES && rc == HAP_OK; i++)
                        rc = try_share(&s, i, fmin(fmax(times[i] * r->share, LEAST_SHARE),
                                                   MOST_SHARE), err);
        }
        if (rc == HAP_OK)
                rc = judge(&s, z, kl, err);
        release(&s);
        return rc;
}
