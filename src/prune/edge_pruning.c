#include "prune/edge_pruning.h"

#include <math.h>
#include <string.h>

#include "prune/hard_concrete.h"
#include "prune/log.h"
#include "prune/threshold.h"
#include "prune/trainer.h"

static double ramp_target(const struct hap_prune_options *o, long step, double from, double to)
{
        double share = (double)step / (double)o->ramp;

        if (step >= o->ramp)
                return to;
        if (o->ramp_kind == HAP_RAMP_LINEAR)
                return from + (to - from) * share;
        return 1 - exp(log(1 - from) + (log(1 - to) - log(1 - from)) * share);
}

static void sample_masks(const struct hap_pruning *p, struct hap_masks *masks,
                         enum hap_prune_stream stream, long step)
{
        if (masks->n == 0)
                return;
        hap_random_fill(hap_prune_key(p, stream), (uint64_t)step, 0, masks->n, masks->u);
        hap_concrete_uniform(masks->n, masks->u);
        hap_concrete_sample(masks->n, masks->u, masks->log_alpha, masks->z, masks->slope);
}

static float node_slope(const struct hap_trainer *t, size_t edge)
{
        return t->nodes.n ? t->nodes.slope[hap_graph_edge_writer(t->p->graph, edge)] : 0;
}

/* Sets t->m to edge mask × node mask, and t->wanted to the edges whose gradient reaches a
 * parameter. Returns whether any does. */
static bool mix_masks(struct hap_trainer *t)
{
        bool any = false;

        for (size_t k = 0; k < t->edges.n; k++) {
                size_t e = t->p->edges[k];
                float z = t->edges.z[k], node = hap_trainer_node(t, e);

                t->m[e] = z * node;
                t->wanted[e] = (t->edges.slope[k] != 0 && node != 0) ||
                               (node_slope(t, e) != 0 && z != 0);
                any |= t->wanted[e];
        }
        return any;
}

/* 1 − mean over all edges of the masks that the sparsity counts. */
static double sparsity_of(const struct hap_trainer *t)
{
        bool counted = t->nodes.n && t->p->options->node_masks == HAP_NODES_COUNTED;
        double sum = 0;

        for (size_t k = 0; k < t->edges.n; k++)
                sum += (double)(counted ? t->m[t->p->edges[k]] : t->edges.z[k]);
        return 1 - sum / (double)t->p->graph->n_edges;
}

static double node_sparsity_of(const struct hap_trainer *t)
{
        double sum = 0;

        for (size_t w = 0; w < t->nodes.n; w++)
                sum += (double)t->nodes.z[w];
        return 1 - sum / (double)t->nodes.n;
}

/* Returns d (λ1 (s − t) + λ2 (s − t)²) / ds and sets the gradients of λ. */
static double constrain(struct hap_constraint *c, double s, double target)
{
        double miss = s - target;

        c->gradient[0] = (float)miss;
        c->gradient[1] = (float)(miss * miss);
        return (double)c->lambda[0] + 2 * (double)c->lambda[1] * miss;
}

/* Turns d ΣKL / dm in t->scratch into d loss / dlogα. ds/dz is −1/n for each edge. */
static void set_gradients(struct hap_trainer *t, size_t batch, double pull, double node_pull)
{
        bool counted = t->nodes.n && t->p->options->node_masks == HAP_NODES_COUNTED;
        double per_edge = pull / (double)t->p->graph->n_edges;

        for (size_t w = 0; w < t->nodes.n; w++)
                t->nodes.gradient[w] = (float)(-node_pull / (double)t->nodes.n);
        for (size_t k = 0; k < t->edges.n; k++) {
                size_t e = t->p->edges[k];
                double kl = (double)t->scratch[e] / (double)batch;
                double dm = counted ? kl - per_edge : kl;

                t->edges.gradient[k] = (float)(dm * (double)hap_trainer_node(t, e) -
                                               (counted ? 0 : per_edge)) * t->edges.slope[k];
                if (t->nodes.n)
                        t->nodes.gradient[hap_graph_edge_writer(t->p->graph, e)] +=
                                (float)dm * t->edges.z[k];
        }
        for (size_t w = 0; w < t->nodes.n; w++)
                t->nodes.gradient[w] *= t->nodes.slope[w];
}

static double sum_of_squares(const float *x, size_t n)
{
        double sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += (double)x[i] * (double)x[i];
        return sum;
}

static void scale_values(float *x, size_t n, double factor)
{
        for (size_t i = 0; i < n; i++)
                x[i] *= (float)factor;
}

static void update_masks(struct hap_masks *masks, long step, double factor)
{
        hap_adamw_step(&masks->adamw, step + 1, factor, masks->n, masks->gradient,
                       masks->mean, masks->square, masks->log_alpha);
}

static void update_limit(struct hap_constraint *c, long step, double factor)
{
        hap_adamw_step(&c->adamw, step + 1, factor, 2, c->gradient, c->mean, c->square,
                       c->lambda);
}

/* Clips all gradients by their common norm, as the original's trainer does, and takes a
 * step of AdamW. */
static void update_parameters(struct hap_trainer *t, long step)
{
        const struct hap_prune_options *o = t->p->options;
        bool limits_nodes = !isnan(t->node_target);
        double rate = hap_rate_factor(step, (long)o->warmup, (long)o->steps);
        double all = sum_of_squares(t->edges.gradient, t->edges.n) +
                     sum_of_squares(t->nodes.gradient, t->nodes.n) +
                     sum_of_squares(t->edge_limit.gradient, 2) +
                     (limits_nodes ? sum_of_squares(t->node_limit.gradient, 2) : 0);
        double factor = hap_norm_factor(all, o->clip);

        scale_values(t->edges.gradient, t->edges.n, factor);
        scale_values(t->nodes.gradient, t->nodes.n, factor);
        scale_values(t->edge_limit.gradient, 2, factor);
        scale_values(t->node_limit.gradient, 2, factor);
        update_masks(&t->edges, step, rate);
        update_masks(&t->nodes, step, rate);
        update_limit(&t->edge_limit, step, rate);
        if (limits_nodes)
                update_limit(&t->node_limit, step, rate);
}

/* The number of live edges among those with P(open) > ½. */
static size_t count_alive(struct hap_trainer *t)
{
        memset(t->m, 0, t->p->graph->n_edges * sizeof *t->m);
        for (size_t k = 0; k < t->edges.n; k++) {
                size_t e = t->p->edges[k];

                t->m[e] = t->edges.log_alpha[k] > 0 &&
                          (!t->nodes.n ||
                           t->nodes.log_alpha[hap_graph_edge_writer(t->p->graph, e)] > 0);
        }
        return hap_prune_alive(t->p, t->m, t->scratch);
}

static int check_finite(const struct hap_trainer *t, struct hap_error *err)
{
        double sum = sum_of_squares(t->edges.log_alpha, t->edges.n) +
                     sum_of_squares(t->nodes.log_alpha, t->nodes.n) +
                     sum_of_squares(t->edge_limit.lambda, 2) +
                     sum_of_squares(t->node_limit.lambda, 2);

        if (isfinite(sum))
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT, "a mask is no longer a finite number: lower "
                                         "--set rate=X or --set lambda-rate=X");
}

/* Updates the KL smoothed over about 50 steps, and the last step that was within the ramp or
 * lowered it by 1 %. */
static void note_kl(struct hap_trainer *t, const struct hap_prune_step *status)
{
        t->smooth = isnan(t->smooth) ? status->kl : .98 * t->smooth + .02 * status->kl;
        if (status->step <= t->p->options->ramp || t->smooth < .99 * t->best) {
                t->best = t->smooth;
                t->best_step = status->step;
        }
}

static int train_step(void *context, long step, struct hap_prune_step *status,
                      struct hap_error *err)
{
        struct hap_trainer *t = context;
        struct hap_pruning *p = t->p;
        const struct hap_prune_options *o = p->options;
        size_t batch = hap_prune_batch(p, step, (size_t)o->batch, true, t->which);
        struct hap_runs runs = {.n = batch, .which = t->which, .z = t->z};
        double node_pull = 0, pull;
        int rc;

        if (batch == 0)
                return hap_fail_memory(err, "the order of prompts");
        sample_masks(p, &t->edges, HAP_PRUNE_MASKS, step);
        sample_masks(p, &t->nodes, HAP_PRUNE_NODES, step);
        runs.wanted = mix_masks(t) ? t->wanted : NULL;
        for (size_t i = 0; i < batch; i++)
                t->z[i] = t->m;
        memset(t->scratch, 0, p->graph->n_edges * sizeof *t->scratch);
        rc = hap_masked_kl_run(&p->masked_kl, &runs, t->kl, t->scratch, err);
        if (rc < 0)
                return rc;
        status->kl = 0;
        for (size_t i = 0; i < batch; i++)
                status->kl += t->kl[i] / (double)batch;
        status->sparsity = sparsity_of(t);
        status->target = ramp_target(o, step, t->first_sparsity, p->target);
        pull = constrain(&t->edge_limit, status->sparsity, status->target);
        if (!isnan(t->node_target))
                node_pull = constrain(&t->node_limit, node_sparsity_of(t),
                                      ramp_target(o, step, 0, t->node_target));
        set_gradients(t, batch, pull, node_pull);
        update_parameters(t, step);
        status->lambda[0] = (double)t->edge_limit.lambda[0];
        status->lambda[1] = (double)t->edge_limit.lambda[1];
        status->alive = count_alive(t);
        note_kl(t, status);
        return check_finite(t, err);
}

static bool on_plateau(const struct hap_trainer *t)
{
        int64_t patience = t->p->options->patience;

        return patience > 0 && t->p->steps - t->best_step >= patience;
}

static int train(struct hap_trainer *t, struct hap_error *err)
{
        const long steps = (long)t->p->options->steps;
        int rc = HAP_OK;

        for (long step = (long)t->p->steps; step < steps && !on_plateau(t) && rc == HAP_OK; step++)
                rc = hap_prune_take_step(t->p, step, steps, train_step, t, err);
        return rc;
}

int hap_recipe_edge_pruning(struct hap_pruning *pruning, struct hap_error *err)
{
        struct hap_trainer trainer;
        int rc = hap_trainer_init(&trainer, pruning, err);

        if (rc < 0)
                return rc;
        rc = hap_prune_resume(pruning, pruning->options->steps, err);
        if (rc == HAP_OK)
                rc = train(&trainer, err);
        if (rc == HAP_OK)
                rc = hap_trainer_cut(&trainer, err);
        hap_trainer_release(&trainer);
        return rc;
}
