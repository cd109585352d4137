#include "prune/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "prune/edge_order.h"
#include "prune/hard_concrete.h"

/* --- memory --- */

int hap_masks_init(struct hap_masks *masks, size_t n, const struct hap_prune_options *o,
                   double rate)
{
        float **arrays[] = {&masks->log_alpha, &masks->mean, &masks->square, &masks->u,
                            &masks->z, &masks->slope, &masks->gradient};
        bool short_of_memory = false;

        masks->n = n;
        masks->adamw = hap_adamw_default(rate);
        masks->adamw.weight_decay = o->weight_decay;
        masks->adamw.beta1 = o->beta1;
        masks->adamw.beta2 = o->beta2;
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
                *arrays[i] = calloc(n ? n : 1, sizeof(float));
                short_of_memory |= !*arrays[i];
        }
        return short_of_memory ? -1 : 0;
}

void hap_masks_release(struct hap_masks *masks)
{
        free(masks->log_alpha);
        free(masks->mean);
        free(masks->square);
        free(masks->u);
        free(masks->z);
        free(masks->slope);
        free(masks->gradient);
}

void hap_trainer_release(struct hap_trainer *t)
{
        hap_masks_release(&t->edges);
        hap_masks_release(&t->nodes);
        free(t->m);
        free(t->scratch);
        free(t->wanted);
        free(t->which);
        free(t->z);
        free(t->kl);
}

static int alloc_trainer(struct hap_trainer *t, struct hap_error *err)
{
        const struct hap_prune_options *o = t->p->options;
        size_t n = t->p->graph->n_edges, batch = (size_t)o->batch;
        size_t n_nodes = o->node_masks == HAP_NODES_NONE ? 0 : (size_t)t->p->graph->n_writers;
        int rc = hap_masks_init(&t->edges, t->p->n_allowed, o, o->rate);

        rc |= hap_masks_init(&t->nodes, n_nodes, o, o->node_rate);
        t->m = calloc(n, sizeof *t->m);
        t->scratch = calloc(n, sizeof *t->scratch);
        t->wanted = calloc(n, sizeof *t->wanted);
        t->which = calloc(batch, sizeof *t->which);
        t->z = calloc(batch, sizeof *t->z);
        t->kl = calloc(batch, sizeof *t->kl);
        if (rc < 0 || !t->m || !t->scratch || !t->wanted || !t->which || !t->z || !t->kl)
                return hap_fail_memory(err, "the masks");
        t->edge_limit.adamw = t->node_limit.adamw = t->edges.adamw;
        t->edge_limit.adamw.rate = t->node_limit.adamw.rate = o->lambda_rate;
        t->edge_limit.adamw.maximise = t->node_limit.adamw.maximise = true;
        return HAP_OK;
}

void hap_masks_add_to_checkpoint(struct hap_masks *masks, struct hap_checkpoint *c)
{
        hap_checkpoint_add_floats(c, "log-odds of masks", masks->log_alpha, masks->n);
        hap_checkpoint_add_floats(c, "mean gradients", masks->mean, masks->n);
        hap_checkpoint_add_floats(c, "mean squares", masks->square, masks->n);
}

static void add_constraint_to_checkpoint(struct hap_checkpoint *c,
                                         struct hap_constraint *constraint)
{
        hap_checkpoint_add_floats(c, "multipliers", constraint->lambda, 2);
        hap_checkpoint_add_floats(c, "multipliers' mean gradients", constraint->mean, 2);
        hap_checkpoint_add_floats(c, "multipliers' mean squares", constraint->square, 2);
}

static void add_to_checkpoint(struct hap_trainer *t)
{
        struct hap_checkpoint *c = &t->p->checkpoint;

        hap_masks_add_to_checkpoint(&t->edges, c);
        hap_masks_add_to_checkpoint(&t->nodes, c);
        add_constraint_to_checkpoint(c, &t->edge_limit);
        add_constraint_to_checkpoint(c, &t->node_limit);
        hap_checkpoint_add_any_double(c, "lowest KL", &t->best);
        hap_checkpoint_add_any_double(c, "smoothed KL", &t->smooth);
        hap_checkpoint_add_integer(c, "best step", &t->best_step, 0, t->p->options->steps);
}

/* --- initial values --- */

static void start_normal(struct hap_masks *masks, const struct hap_prune_options *o,
                         struct hap_random_key key, uint64_t kind)
{
        for (size_t k = 0; k < masks->n; k++)
                masks->log_alpha[k] =
                        (float)(o->start + o->start_spread * hap_random_normal(key, kind, k));
}

/* Initialises logα by the rank of the score, with logα = 0 at rank n_open: on a logarithmic
 * scale, half way between the wanted number of edges and all. */
static int start_from_scores(struct hap_trainer *t, struct hap_error *err)
{
        const struct hap_pruning *p = t->p;
        double n_open = sqrt((double)p->n_target * (double)p->n_allowed);
        uint32_t *order = calloc(p->n_allowed, sizeof *order);
        uint32_t *rank = calloc(p->graph->n_edges, sizeof *rank);
        int rc = order && rank ? HAP_OK : hap_fail_memory(err, "ranks");

        if (rc == HAP_OK)
                rc = hap_prune_rank(p, p->scores, 0, order, err);
        for (size_t r = 0; r < p->n_allowed && rc == HAP_OK; r++)
                rank[order[r]] = (uint32_t)r;
        for (size_t k = 0; k < p->n_allowed && rc == HAP_OK; k++)
                t->edges.log_alpha[k] =
                        (float)(2 * log((n_open + .5) / (rank[p->edges[k]] + .5)));
        free(order);
        free(rank);
        return rc;
}

/* The ramp starts at the sparsity of the initial masks: the subgraph's, or with from-scores
 * the expected one. */
static int init_parameters(struct hap_trainer *t, struct hap_error *err)
{
        const struct hap_pruning *p = t->p;
        const struct hap_prune_options *o = p->options;
        struct hap_random_key key = hap_prune_key(p, HAP_PRUNE_START);
        double open = (double)p->n_allowed;

        start_normal(&t->edges, o, key, 0);
        start_normal(&t->nodes, o, key, 1);
        if (o->from_scores) {
                if (!p->scores)
                        return hap_fail(err, HAP_EUSAGE,
                                        "--set from-scores=yes needs scores in the input");
                if (start_from_scores(t, err) < 0)
                        return err->code;
                open = 0;
                for (size_t k = 0; k < t->edges.n; k++)
                        open += hap_sigmoid((double)t->edges.log_alpha[k]);
        }
        t->first_sparsity = 1 - open / (double)p->graph->n_edges;
        t->node_target = o->node_sparsity.given ? o->node_sparsity.value / 100 : (double)NAN;
        t->best = INFINITY;
        t->smooth = NAN;
        return HAP_OK;
}

int hap_trainer_init(struct hap_trainer *trainer, struct hap_pruning *pruning,
                     struct hap_error *err)
{
        int rc;

        *trainer = (struct hap_trainer){.p = pruning};
        rc = alloc_trainer(trainer, err);
        if (rc == HAP_OK)
                rc = init_parameters(trainer, err);
        if (rc < 0)
                hap_trainer_release(trainer);
        else
                add_to_checkpoint(trainer);
        return rc;
}
