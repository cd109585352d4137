#include "prune/rank_recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/edge_order.h"
#include "prune/log.h"
#include "prune/rank_init.h"
#include "prune/refine.h"
#include "prune/sample.h"
#include "prune/swaps.h"

/* --- a step --- */

/* Edges that should be open at step t of a restart. */
static double open_at(const struct hap_pruning *p, long t)
{
        double n0 = (double)p->n_allowed, n = (double)p->n_target;
        double annealed = p->options->anneal * (double)p->options->steps;

        return (double)t >= annealed ? n : n0 * pow(n / n0, (double)t / annealed);
}

/* The masks of a step, in every second restart of the other kind. */
static int sample(struct hap_ranker *r, long step, double n_t, double sharpness,
                  struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        enum hap_mask_kind kind = (enum hap_mask_kind)o->masks;

        if (step / o->steps % 2 == 1)
                kind = kind == HAP_MASKS_CONCRETE ? HAP_MASKS_BERNOULLI : HAP_MASKS_CONCRETE;
        return hap_rank_sample(r, (uint64_t)step * (uint64_t)o->batch, (size_t)o->batch, n_t,
                               sharpness, kind, err);
}

/* h of the new gradient; the first one of all is taken as it is. */
static int learn(struct hap_ranker *r, bool first, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        double size, old = first && !r->scores ? 0 : p->options->momentum;
        int rc = hap_rank_mean_size(p, r->gradient, &size, err);

        for (size_t k = 0; k < p->n_allowed && rc == HAP_OK && size > 0; k++) {
                size_t e = p->edges[k];

                r->harm[e] = old * r->harm[e] - (1 - old) * (double)r->gradient[e] / size;
        }
        return rc;
}

/* The two circuits that the ranking gives, filled up to the wanted size; only the
 * first, unless it joins nothing, where all that follows is refinement. */
static int add_candidates(struct hap_ranker *r, uint64_t i, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        int64_t before = r->candidates.n;
        long alive;

        if (hap_prune_rank(p, r->harm, i, r->order, err) < 0 ||
            hap_circuits_add_first(&r->candidates, p, r->order, r->cut, err) < 0)
                return err->code;
        if (p->options->steps == 0 && p->options->rounds > 0 && r->candidates.n > before)
                return HAP_OK;
        alive = hap_rank_cut(p->graph, r->order, p->n_allowed, p->n_target, r->cut);
        if (alive <= 0) /* there is a path as short, hap_pruning_init saw it */
                return hap_fail_memory(err, "circuits");
        hap_circuits_add(&r->candidates, p->graph->n_edges, r->cut);
        r->same = r->candidates.n > before ? 0 : r->same + 1;
        return HAP_OK;
}

/* h at the start of a restart: the scores, or 0. The circuits that the scores
 * give by themselves are candidates, with their sign and by size; where there is
 * no step to add others only the one that hap_rank_start saw to be better. */
static int begin_restart(struct hap_ranker *r, struct hap_error *err)
{
        int rc = HAP_OK;

        r->candidates.n = 0;
        for (int i = r->p->options->steps > 0 ? 0 : 1; i < 2 && rc == HAP_OK; i++) {
                hap_rank_from_scores(r, i == 0 ? !r->by_size : r->by_size);
                if (r->scores)
                        rc = add_candidates(r, UINT64_MAX, err);
        }
        r->same = 0;
        return rc;
}

static void describe(struct hap_ranker *r, double n_t, struct hap_prune_step *said)
{
        const struct hap_pruning *p = r->p;
        size_t batch = (size_t)p->options->batch, n = p->graph->n_edges;
        double open = 0;

        said->kl = 0;
        for (size_t i = 0; i < batch; i++) {
                said->kl += r->kl[i] / (double)batch;
                for (size_t e = 0; e < n; e++)
                        open += (double)r->z[i][e] / (double)batch;
        }
        said->sparsity = 1 - open / (double)n;
        said->target = 1 - n_t / (double)n;
        hap_rank_first(p->graph, r->order, (size_t)llround(n_t), r->cut);
        said->alive = hap_prune_alive(p, r->cut, r->scratch);
}

static int rank_step(struct hap_ranker *r, long step, struct hap_prune_step *said,
                     struct hap_error *err)
{
        struct hap_pruning *p = r->p;
        const struct hap_prune_options *o = p->options;
        long t = step % (long)o->steps;
        double n_t = open_at(p, t), share = (double)t / (double)o->steps;
        double sharpness = o->sharpness + (o->last_sharpness - o->sharpness) * share;
        struct hap_runs runs = {.n = (size_t)o->batch, .which = r->which,
                                .z = (const float *const *)r->z, .wanted = p->allowed};
        int rc = hap_prune_rank(p, r->harm, 2 * (uint64_t)step, r->order, err);

        if (rc == HAP_OK)
                rc = sample(r, step, n_t, sharpness, err);
        if (rc < 0)
                return rc;
        if (hap_prune_batch(p, step, runs.n, false, r->which) == 0)
                return hap_fail_memory(err, "the order of prompts");
        rc = hap_measure(&p->measure, &runs, r->kl, r->gradient, err);
        if (rc < 0)
                return rc;
        describe(r, n_t, said);
        rc = learn(r, t == 0, err);
        if (rc < 0)
                return rc;
        if (n_t <= (double)p->n_target || t + 1 == o->steps)
                rc = add_candidates(r, 2 * (uint64_t)step + 1, err);
        return rc;
}

/* --- the choice --- */

/* All prompts in a random order: the first of them judge the candidates. */
static uint32_t *prompts_in_order(const struct hap_pruning *p, uint64_t i)
{
        uint32_t *order = calloc(p->prompts->n, sizeof *order);

        if (order)
                hap_random_shuffle(hap_prune_key(p, HAP_PRUNE_CHOICE), i, p->prompts->n, order);
        return order;
}

static int choose(struct hap_ranker *r, const struct hap_circuits *from, size_t on,
                  struct hap_error *err)
{
        uint32_t *order = prompts_in_order(r->p, (uint64_t)r->ended);
        double runs = r->p->measure.runs; /* judging begins again after a stop */
        int rc;

        if (!order)
                return hap_fail_memory(err, "the order of prompts");
        rc = hap_circuits_best(from, r->p, order, on, r->cut, &r->p->kl, err);
        free(order);
        if (rc != HAP_PRUNE_STOPPED)
                return rc;
        r->p->measure.runs = runs;
        return hap_prune_stop(r->p, err);
}

/* A restart that is through leaves its best circuit. Its KL is not asked for where
 * there is nothing to choose and refinement follows. */
static int end_restart(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        int rc = HAP_OK;

        if (r->candidates.n == 1 && o->rounds > 0)
                hap_circuits_get(&r->candidates, 0, r->p->graph->n_edges, r->cut);
        else
                rc = choose(r, &r->candidates, (size_t)o->choose_on, err);
        if (rc != HAP_OK)
                return rc;
        hap_circuits_add(&r->winners, r->p->graph->n_edges, r->cut);
        r->ended++;
        for (size_t e = 0; e < r->p->graph->n_edges; e++)
                r->mean[e] += r->harm[e] / (double)r->p->options->restarts;
        return begin_restart(r, err);
}

static int sample_all(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        long steps = (long)(o->steps * o->restarts), all = steps + (long)(o->rounds + o->swaps);

        for (long step = (long)r->p->steps; step < steps; step++) {
                struct hap_prune_step said = {.step = step + 1, .steps = all};
                int rc = HAP_OK;

                if (step / o->steps > r->ended)
                        rc = end_restart(r, err);
                if (rc != HAP_OK)
                        return rc;
                if (o->patience > 0 && r->same >= o->patience)
                        continue; /* until the next restart */
                rc = rank_step(r, step, &said, err);
                if (rc < 0) {
                        hap_fail_within(err, "step %ld", step + 1);
                        return rc;
                }
                rc = hap_prune_step_done(r->p, &said, err);
                if (rc != 0)
                        return rc;
        }
        return r->ended < o->restarts ? end_restart(r, err) : HAP_OK;
}

/* The best of the restarts, to `final`. */
static int choose_final(struct hap_ranker *r, struct hap_error *err)
{
        size_t n = r->p->graph->n_edges;
        int rc = HAP_OK;

        if (r->final.n > 0)
                return HAP_OK;
        if (r->winners.n == 1)
                hap_circuits_get(&r->winners, 0, n, r->cut);
        else
                rc = choose(r, &r->winners, r->p->prompts->n, err);
        if (rc == HAP_OK)
                hap_circuits_add(&r->final, n, r->cut);
        return rc;
}

/* A step of refinement or swaps is through: `cut` is the circuit. */
static int round_done(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        size_t n = r->p->graph->n_edges;
        struct hap_prune_step said = {.kl = r->p->kl, .target = r->p->target};

        r->rounds++;
        said.step = (long)(o->steps * o->restarts + r->rounds);
        said.steps = (long)(o->steps * o->restarts + o->rounds + o->swaps);
        r->final.n = 0;
        hap_circuits_add(&r->final, n, r->cut);
        said.alive = hap_prune_alive(r->p, r->cut, r->scratch);
        said.sparsity = 1 - (double)said.alive / (double)n;
        return hap_prune_step_done(r->p, &said, err);
}

/* All rounds, whose last circuit must be better than those that the first began with. */
static int refine_all(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;

        if (r->rounds == 0)
                memcpy(r->harm, r->mean, r->p->graph->n_edges * sizeof *r->harm);
        while (r->rounds < o->rounds) {
                int rc = hap_refine_round(r, r->rounds, r->cut, &r->p->kl, err);

                if (rc == HAP_OK)
                        rc = round_done(r, err);
                if (rc != 0)
                        return rc;
        }
        if (o->rounds == 0 || r->rounds > o->rounds)
                return HAP_OK;
        hap_circuits_add(&r->winners, r->p->graph->n_edges, r->cut);
        return choose(r, &r->winners, (size_t)o->choose_on, err);
}

/* Rounds of swaps until one finds nothing. */
static int swap_all(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;

        while (r->rounds < o->rounds + o->swaps) {
                int rc = hap_swap_round(r->p, r->rounds - o->rounds, r->cut, &r->p->kl, err);

                if (rc <= 0)
                        return rc;
                rc = round_done(r, err);
                if (rc != 0)
                        return rc;
        }
        return HAP_OK;
}

static int run_rank(struct hap_ranker *r, struct hap_error *err)
{
        int rc = hap_prune_resume(r->p, err);

        if (!r->p->resumed && rc == HAP_OK)
                rc = hap_rank_start(r, err);
        if (!r->p->resumed && rc == HAP_OK)
                rc = begin_restart(r, err);
        if (!r->scores && r->p->options->steps == 0)
                r->scores = r->own;
        if (rc == HAP_OK)
                rc = sample_all(r, err);
        if (rc == HAP_OK)
                rc = choose_final(r, err);
        if (rc == HAP_OK)
                hap_circuits_get(&r->final, 0, r->p->graph->n_edges, r->cut);
        if (rc == HAP_OK)
                rc = refine_all(r, err);
        if (rc == HAP_OK)
                rc = swap_all(r, err);
        return rc == HAP_OK ? hap_prune_result(r->p, r->cut, err) : rc;
}

int hap_recipe_rank(struct hap_pruning *pruning, struct hap_error *err)
{
        struct hap_ranker ranker;
        int rc = hap_ranker_init(&ranker, pruning, err);

        if (rc < 0)
                return rc;
        rc = run_rank(&ranker, err);
        hap_ranker_release(&ranker);
        return rc;
}
