#include "prune/ranker.h"

#include <math.h>
#include <stdlib.h>

void hap_ranker_release(struct hap_ranker *r)
{
        for (size_t i = 0; r->z && i < r->n_z; i++)
                free(r->z[i]);
        free(r->z);
        free(r->score);
        free(r->mean);
        free(r->measured_scores);
        free(r->velocity);
        free(r->trial);
        free(r->order);
        free(r->log_alpha);
        free(r->which);
        free(r->kl);
        free(r->gradient);
        free(r->circuit);
        free(r->scratch);
        hap_circuits_release(&r->candidates);
        hap_circuits_release(&r->winners);
        hap_circuits_release(&r->final);
}

static int alloc_ranker(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        size_t n = r->p->graph->n_edges, batch = (size_t)o->batch;
        bool got;

        r->score = calloc(n, sizeof *r->score);
        r->initial_scores = r->p->scores;
        r->measured_scores = calloc(n, sizeof *r->measured_scores);
        r->mean = calloc(n, sizeof *r->mean);
        r->velocity = calloc(n, sizeof *r->velocity);
        r->trial = calloc(n, sizeof *r->trial);
        r->order = calloc(r->p->n_allowed, sizeof *r->order);
        r->log_alpha = calloc(r->p->n_allowed, sizeof *r->log_alpha);
        r->gradient = calloc(n, sizeof *r->gradient);
        r->circuit = calloc(n, sizeof *r->circuit);
        r->scratch = calloc(n, sizeof *r->scratch);
        r->n_z = batch;
        if (o->rounds > 0)
                r->n_z = hap_max(batch, hap_min((size_t)o->refine_on, r->p->prompts->n));
        r->which = calloc(r->n_z, sizeof *r->which);
        r->kl = calloc(r->n_z, sizeof *r->kl);
        r->z = calloc(r->n_z, sizeof *r->z);
        got = r->score && r->measured_scores && r->mean && r->velocity && r->trial && r->order &&
              r->log_alpha && r->which && r->kl && r->gradient && r->circuit && r->scratch && r->z;
        for (size_t i = 0; got && i < r->n_z; i++)
                got = (r->z[i] = calloc(n, sizeof **r->z)) != NULL;
        if (!got)
                return hap_fail_memory(err, "the masks");
        if (hap_circuits_init(&r->candidates, n, 2 * (size_t)o->steps + 4, err) < 0 ||
            hap_circuits_init(&r->winners, n, (size_t)o->restarts + 1, err) < 0)
                return err->code;
        return hap_circuits_init(&r->final, n, 1, err);
}

static void add_circuits_to_checkpoint(struct hap_checkpoint *c, const char *name,
                                       struct hap_circuits *circuits)
{
        hap_checkpoint_add_integer(c, name, &circuits->n, 0, (int64_t)circuits->capacity);
        hap_checkpoint_add(c, (struct hap_checkpoint_field){
                .name = name, .type = HAP_CHECKPOINT_BYTES, .data = circuits->bits,
                .n = circuits->capacity * circuits->bytes});
}

static void add_to_checkpoint(struct hap_ranker *r)
{
        const struct hap_prune_options *o = r->p->options;
        const size_t n = r->p->graph->n_edges;
        struct hap_checkpoint *c = &r->p->checkpoint;

        hap_checkpoint_add_doubles(c, "scores", r->score, n);
        hap_checkpoint_add_doubles(c, "measured scores", r->measured_scores, n);
        hap_checkpoint_add_integer(c, "own scores", &r->own, 0, 1);
        hap_checkpoint_add_integer(c, "rank by size", &r->by_size, 0, 1);
        hap_checkpoint_add_doubles(c, "mean scores", r->mean, n);
        hap_checkpoint_add_doubles(c, "velocity", r->velocity, n);
        add_circuits_to_checkpoint(c, "candidates", &r->candidates);
        add_circuits_to_checkpoint(c, "winners", &r->winners);
        add_circuits_to_checkpoint(c, "circuit", &r->final);
        hap_checkpoint_add_integer(c, "restarts", &r->ended, 0, o->restarts);
        hap_checkpoint_add_integer(c, "rounds", &r->rounds, 0, o->rounds + o->swaps);
        hap_checkpoint_add_integer(c, "steps without a new circuit", &r->same, 0, INT64_MAX);
        hap_checkpoint_add_any_double(c, "KL", &r->p->kl);
        hap_checkpoint_add_integer(c, "prompts of the KL", &r->p->kl_on, 0,
                                   (int64_t)r->p->prompts->n);
}

/* Whether the circuits can be the result: live edges of the subgraph, at least one and at most
 * the wanted number. */
static bool valid_circuits(struct hap_ranker *r, const struct hap_circuits *circuits)
{
        const size_t n = r->p->graph->n_edges;

        for (int64_t i = 0; i < circuits->n; i++) {
                size_t kept = 0;

                hap_circuits_get(circuits, i, n, r->circuit);
                for (size_t e = 0; e < n; e++) {
                        if (r->circuit[e] > 0 && !r->p->allowed[e])
                                return false;
                        kept += r->circuit[e] > 0;
                }
                if (kept == 0 || kept > r->p->n_target ||
                    hap_prune_alive(r->p, r->circuit, r->scratch) != kept)
                        return false;
        }
        return true;
}

int hap_ranker_check_restored(struct hap_ranker *r, struct hap_error *err)
{
        const struct hap_prune_options *o = r->p->options;
        /* restarts that have taken all of their steps */
        const int64_t due = o->steps > 0 && r->p->steps < o->steps * o->restarts
                                    ? r->p->steps / o->steps : o->restarts;
        bool valid = valid_circuits(r, &r->candidates) && valid_circuits(r, &r->winners) &&
                     valid_circuits(r, &r->final);

        valid = valid && (r->ended == 0 || r->winners.n > 0) &&
                (r->rounds == 0 || r->final.n > 0) && (r->ended >= due || r->candidates.n > 0);
        if (valid)
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT, "checkpoint '%s' is damaged: its circuits do not fit this "
                        "run", o->checkpoint);
}

int hap_ranker_init(struct hap_ranker *ranker, struct hap_pruning *pruning,
                    struct hap_error *err)
{
        int rc;

        *ranker = (struct hap_ranker){.p = pruning};
        rc = alloc_ranker(ranker, err);
        if (rc < 0)
                hap_ranker_release(ranker);
        else
                add_to_checkpoint(ranker);
        return rc;
}

int hap_rank_mean_size(const struct hap_pruning *pruning, const float *gradient, double *size,
                       struct hap_error *err)
{
        *size = 0;
        for (size_t k = 0; k < pruning->n_allowed; k++)
                *size += fabs((double)gradient[pruning->edges[k]]) / (double)pruning->n_allowed;
        if (!isfinite(*size))
                return hap_fail(err, HAP_EINPUT, "a gradient is not a finite number");
        return HAP_OK;
}
