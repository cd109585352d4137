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

/* The number of edges that should be open at step t of a restart. */
static double open_at(const struct hap_pruning *p, long t)
{
        double n0 = (double)p->n_allowed, n = (double)p->n_target;
        double annealed = p->options->anneal * (double)p->options->steps;

        return (double)t >= annealed ? n : n0 * pow(n / n0, (double)t / annealed);
}

/* Samples the masks of a step. Every second restart has the other kind of masks. */
static int sample_step(struct hap_ranker *r, long step, double n_t, double sharpness,
                       struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        enum hap_mask_kind kind = (enum hap_mask_kind)o->masks;

        if (step / o->steps % 2 == 1)
                kind = kind == HAP_MASKS_CONCRETE ? HAP_MASKS_BERNOULLI : HAP_MASKS_CONCRETE;
        return hap_rank_sample(r, (uint64_t)step * (uint64_t)o->batch, (size_t)o->batch, n_t,
                               sharpness, kind, err);
}

/* Updates h by the new gradient. Without scores the first gradient replaces h. */
static int update_score(struct hap_ranker *r, bool first, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        double size, old = first && !r->initial_scores ? 0 : p->options->momentum;
        int rc = hap_rank_mean_size(p, r->gradient, &size, err);

        for (size_t k = 0; k < p->n_allowed && rc == HAP_OK && size > 0; k++) {
                size_t e = p->edges[k];

                r->score[e] = old * r->score[e] - (1 - old) * (double)r->gradient[e] / size;
        }
        return rc;
}

/* Adds the two circuits that the ranking gives, filled up to the wanted size. one: the first is
 * enough, unless its edges form no path. */
static int add_candidates(struct hap_ranker *r, uint64_t i, bool one, struct hap_error *err)
{
        const struct hap_pruning *p = r->p;
        int64_t before = r->candidates.n;
        long alive;

        if (hap_prune_rank(p, r->score, i, r->order, err) < 0 ||
            hap_circuits_add_first(&r->candidates, p, r->order, r->circuit, err) < 0)
                return err->code;
        if (one && r->candidates.n > before)
                return HAP_OK;
        alive = hap_edge_order_cut(p->graph, r->order, p->n_allowed, p->n_target, r->circuit);
        if (alive <= 0) /* hap_pruning_init made sure of a path */
                return hap_fail_memory(err, "circuits");
        hap_circuits_add(&r->candidates, p->graph->n_edges, r->circuit);
        r->same = r->candidates.n > before ? 0 : r->same + 1;
        return HAP_OK;
}

/* Whether there are no steps, only refinement, which starts from one circuit. */
static bool refinement_follows(const struct hap_ranker *r)
{
        return r->p->options->steps == 0 && r->p->options->rounds > 0;
}

/* Sets h for the start of a restart: the scores, or 0. The circuits that the scores alone give,
 * with their sign and by size, are candidates. If there are no steps, which would add others,
 * only the better one (hap_rank_start) is. */
static int begin_restart(struct hap_ranker *r, struct hap_error *err)
{
        int rc = HAP_OK;

        r->candidates.n = 0;
        for (int i = r->p->options->steps > 0 ? 0 : 1; i < 2 && rc == HAP_OK; i++) {
                hap_rank_from_scores(r, i == 0 ? !r->by_size : r->by_size);
                if (r->initial_scores)
                        rc = add_candidates(r, UINT64_MAX, refinement_follows(r), err);
        }
        r->same = 0;
        return rc;
}

static void fill_status(struct hap_ranker *r, double n_t, struct hap_prune_step *status)
{
        const struct hap_pruning *p = r->p;
        size_t batch = (size_t)p->options->batch, n = p->graph->n_edges;
        double open = 0;

        status->kl = 0;
        for (size_t i = 0; i < batch; i++) {
                status->kl += r->kl[i] / (double)batch;
                for (size_t e = 0; e < n; e++)
                        open += (double)r->z[i][e] / (double)batch;
        }
        status->sparsity = 1 - open / (double)n;
        status->target = 1 - n_t / (double)n;
        hap_edge_order_first(p->graph, r->order, (size_t)llround(n_t), r->circuit);
        status->alive = hap_prune_alive(p, r->circuit, r->scratch);
}

static int rank_step(void *context, long step, struct hap_prune_step *status,
                     struct hap_error *err)
{
        struct hap_ranker *r = context;
        struct hap_pruning *p = r->p;
        const struct hap_prune_options *o = p->options;
        long t = step % (long)o->steps;
        double n_t = open_at(p, t), share = (double)t / (double)o->steps;
        double sharpness = o->sharpness + (o->last_sharpness - o->sharpness) * share;
        struct hap_runs runs = {.n = (size_t)o->batch, .which = r->which,
                                .z = (const float *const *)r->z, .wanted = p->allowed};
        int rc = hap_prune_rank(p, r->score, 2 * (uint64_t)step, r->order, err);

        if (rc == HAP_OK)
                rc = sample_step(r, step, n_t, sharpness, err);
        if (rc < 0)
                return rc;
        if (hap_prune_batch(p, step, runs.n, false, r->which) == 0)
                return hap_fail_memory(err, "the order of prompts");
        rc = hap_masked_kl_run(&p->masked_kl, &runs, r->kl, r->gradient, err);
        if (rc < 0)
                return rc;
        fill_status(r, n_t, status);
        rc = update_score(r, t == 0, err);
        if (rc < 0)
                return rc;
        if (n_t <= (double)p->n_target || t + 1 == o->steps)
                rc = add_candidates(r, 2 * (uint64_t)step + 1, false, err);
        return rc;
}

/* --- the choice --- */

/* All prompts in a random order; candidates are compared on the first ones. NULL: no memory. */
static uint32_t *shuffled_prompts(const struct hap_pruning *p, uint64_t i)
{
        uint32_t *order = calloc(p->prompts->n, sizeof *order);

        if (order)
                hap_random_shuffle(hap_prune_key(p, HAP_PRUNE_CHOICE), i, p->prompts->n, order);
        return order;
}

static int choose_best(struct hap_ranker *r, const struct hap_circuits *from, size_t on,
                       struct hap_error *err)
{
        uint32_t *order = shuffled_prompts(r->p, (uint64_t)r->ended);
        double runs = r->p->masked_kl.runs; /* the choice is repeated after a stop */
        int rc;

        if (!order)
                return hap_fail_memory(err, "the order of prompts");
        rc = hap_circuits_best(from, r->p, order, on, r->circuit, &r->p->kl, err);
        free(order);
        if (rc != HAP_PRUNE_STOPPED)
                return rc;
        r->p->masked_kl.runs = runs;
        return hap_prune_stop(r->p, err);
}

/* Adds the restart's best circuit to `winners`. With a single candidate and refinement to
 * follow, its KL is not needed. */
static int end_restart(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        int rc = HAP_OK;

        if (r->candidates.n == 1 && o->rounds > 0)
                hap_circuits_get(&r->candidates, 0, r->p->graph->n_edges, r->circuit);
        else
                rc = choose_best(r, &r->candidates, (size_t)o->choose_on, err);
        if (rc != HAP_OK)
                return rc;
        hap_circuits_add(&r->winners, r->p->graph->n_edges, r->circuit);
        r->ended++;
        for (size_t e = 0; e < r->p->graph->n_edges; e++)
                r->mean[e] += r->score[e] / (double)r->p->options->restarts;
        return begin_restart(r, err);
}

static int run_steps(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        long steps = (long)(o->steps * o->restarts), all = steps + (long)(o->rounds + o->swaps);

        for (long step = (long)r->p->steps; step < steps; step++) {
                int rc = HAP_OK;

                if (step / o->steps > r->ended)
                        rc = end_restart(r, err);
                if (rc != HAP_OK)
                        return rc;
                if (o->patience > 0 && r->same >= o->patience)
                        continue; /* skips to the next restart */
                rc = hap_prune_take_step(r->p, step, all, rank_step, r, err);
                if (rc != HAP_OK)
                        return rc;
        }
        return r->ended < o->restarts ? end_restart(r, err) : HAP_OK;
}

/* Sets `final` to the best circuit of the restarts. */
static int choose_final(struct hap_ranker *r, struct hap_error *err)
{
        size_t n = r->p->graph->n_edges;
        int rc = HAP_OK;

        if (r->final.n > 0)
                return HAP_OK;
        if (r->winners.n == 1)
                hap_circuits_get(&r->winners, 0, n, r->circuit);
        else
                rc = choose_best(r, &r->winners, r->p->prompts->n, err);
        if (rc == HAP_OK)
                hap_circuits_add(&r->final, n, r->circuit);
        return rc;
}

/* Ends a round of refinement or swaps, whose circuit is r->circuit. */
static int end_round(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        size_t n = r->p->graph->n_edges;
        struct hap_prune_step status = {.kl = r->p->kl, .target = r->p->target};

        r->rounds++;
        status.step = (long)(o->steps * o->restarts + r->rounds);
        status.steps = (long)(o->steps * o->restarts + o->rounds + o->swaps);
        r->final.n = 0;
        hap_circuits_add(&r->final, n, r->circuit);
        status.alive = hap_prune_alive(r->p, r->circuit, r->scratch);
        status.sparsity = 1 - (double)status.alive / (double)n;
        return hap_prune_step_done(r->p, &status, err);
}

/* Sets h and r->circuit to what the first round starts from. It is the circuit that the scores
 * give, not the one that the steps have found: steps and refinement then differ in what they
 * miss, and the better of two is worth more than a small improvement of one. */
static int start_refinement(struct hap_ranker *r, struct hap_error *err)
{
        const size_t n = r->p->graph->n_edges;
        int rc = hap_rank_start(r, true, err);

        if (rc < 0)
                return rc;
        r->candidates.n = 0;
        hap_rank_from_scores(r, r->by_size);
        rc = add_candidates(r, UINT64_MAX, true, err);
        if (rc == HAP_OK)
                hap_circuits_get(&r->candidates, 0, n, r->circuit);
        return rc;
}

/* The better of the circuits of the restarts and of refinement. Its h is the ranking. */
static int choose_with_refinement(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        const size_t n = r->p->graph->n_edges;
        int rc;

        hap_circuits_add(&r->winners, n, r->circuit);
        rc = choose_best(r, &r->winners, (size_t)o->choose_on, err);
        if (rc != HAP_OK || o->steps == 0)
                return rc;
        hap_circuits_get(&r->final, 0, n, r->scratch); /* that of the last round */
        if (memcmp(r->scratch, r->circuit, n * sizeof *r->circuit) != 0)
                memcpy(r->score, r->mean, n * sizeof *r->score);
        return HAP_OK;
}

/* Runs the rounds of refinement. The last round's circuit is kept only if it is better than
 * those of the restarts. */
static int run_refinement(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;

        if (r->rounds == 0 && o->rounds > 0 && o->steps > 0) {
                int rc = start_refinement(r, err);

                if (rc < 0)
                        return rc;
        } else if (r->rounds == 0) {
                memcpy(r->score, r->mean, r->p->graph->n_edges * sizeof *r->score);
        }
        while (r->rounds < o->rounds) {
                int rc = hap_refine_round(r, r->rounds, r->circuit, &r->p->kl, err);

                if (rc == HAP_OK)
                        rc = end_round(r, err);
                if (rc != 0)
                        return rc;
        }
        return o->rounds == 0 || r->rounds > o->rounds ? HAP_OK : choose_with_refinement(r, err);
}

/* Runs rounds of swaps until one finds no improvement. */
static int run_swaps(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;

        while (r->rounds < o->rounds + o->swaps) {
                int rc = hap_swap_round(r->p, r->rounds - o->rounds, r->circuit, &r->p->kl, err);

                if (rc <= 0)
                        return rc;
                rc = end_round(r, err);
                if (rc != 0)
                        return rc;
        }
        return HAP_OK;
}

static int run_rank(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        const int64_t steps = o->steps * o->restarts + o->rounds + o->swaps;
        int rc = hap_prune_resume(r->p, steps, err);

        if (r->p->resumed && rc == HAP_OK)
                rc = hap_ranker_check_restored(r, err);
        if (!r->p->resumed && rc == HAP_OK)
                rc = hap_rank_start(r, r->p->options->steps == 0, err);
        if (!r->p->resumed && rc == HAP_OK)
                rc = begin_restart(r, err);
        if (r->own)
                r->initial_scores = r->measured_scores;
        if (rc == HAP_OK)
                rc = run_steps(r, err);
        if (rc == HAP_OK)
                rc = choose_final(r, err);
        if (rc == HAP_OK)
                hap_circuits_get(&r->final, 0, r->p->graph->n_edges, r->circuit);
        if (rc == HAP_OK)
                rc = run_refinement(r, err);
        if (rc == HAP_OK)
                rc = run_swaps(r, err);
        if (rc != HAP_OK)
                return rc;
        /* the mean of the restarts, as refinement changed it */
        memcpy(r->p->ranking, r->score, r->p->graph->n_edges * sizeof *r->score);
        return hap_prune_result(r->p, r->circuit, err);
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
