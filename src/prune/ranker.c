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

static void add_to_checkpoint(struct hap_ranker *r)
{
        struct hap_checkpoint *c = &r->p->checkpoint;

        hap_checkpoint_add(c, r->score, r->p->graph->n_edges * sizeof *r->score);
        hap_checkpoint_add(c, r->measured_scores,
                           r->p->graph->n_edges * sizeof *r->measured_scores);
        hap_checkpoint_add(c, &r->by_size, sizeof r->by_size);
        hap_checkpoint_add(c, r->mean, r->p->graph->n_edges * sizeof *r->mean);
        hap_checkpoint_add(c, r->velocity, r->p->graph->n_edges * sizeof *r->velocity);
        hap_checkpoint_add(c, &r->candidates.n, sizeof r->candidates.n);
        hap_checkpoint_add(c, r->candidates.bits, r->candidates.capacity * r->candidates.bytes);
        hap_checkpoint_add(c, &r->winners.n, sizeof r->winners.n);
        hap_checkpoint_add(c, r->winners.bits, r->winners.capacity * r->winners.bytes);
        hap_checkpoint_add(c, &r->final.n, sizeof r->final.n);
        hap_checkpoint_add(c, r->final.bits, r->final.bytes);
        hap_checkpoint_add(c, &r->ended, sizeof r->ended);
        hap_checkpoint_add(c, &r->rounds, sizeof r->rounds);
        hap_checkpoint_add(c, &r->same, sizeof r->same);
        hap_checkpoint_add(c, &r->p->kl, sizeof r->p->kl);
        hap_checkpoint_add(c, &r->p->kl_on, sizeof r->p->kl_on);
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
