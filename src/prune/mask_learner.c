#include "prune/mask_learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/hard_concrete.h"
#include "prune/log.h"
#include "prune/threshold.h"
#include "prune/trainer.h"

#define LEAST_UNIFORM 1e-4f /* of subnetwork probing's u */
#define NEARLY 1e-3         /* z this near to 0 or 1 is not counted as between them */

struct learner;

/* What the two recipes do differently. */
struct learned {
        double (*start)(const struct hap_prune_options *options); /* the initial log-odds */
        /* Sets z, and slope, of the step's runs. */
        void (*sample)(struct learner *l, long step, size_t runs);
        /* Adds the penalty's gradient, and limits the gradient. */
        void (*penalise)(struct learner *l);
        double (*open)(double log_odds); /* P(z > 0) */
        bool shared; /* one mask a step */
};

struct learner {
        struct hap_pruning *p;
        const struct learned *kind;
        struct hap_masks masks; /* log_alpha: the log-odds of p->edges */
        size_t samples, max_runs, n_masks;
        float *z, *slope; /* [n_masks][n_edges] */
        const float **zs, **slopes; /* [max_runs] */
        uint32_t *which; /* [max_runs] */
        double *kl;      /* [max_runs] */
        float *gradient, *scratch; /* [n_edges] */
        uint32_t *between; /* [n_edges]: runs with the mask between 0 and 1 */
        double *nodes;   /* [hap_graph_n_nodes] */
};

/* --- subnetwork probing --- */

static double start_probing(const struct hap_prune_options *o)
{
        const double p = (o->first_open - HAP_CONCRETE_LEFT) /
                         (HAP_CONCRETE_RIGHT - HAP_CONCRETE_LEFT);

        return log(p / (1 - p));
}

static double open_probing(double log_alpha)
{
        return exp(hap_concrete_log_open(log_alpha));
}

static void sample_probing(struct learner *l, long step, size_t runs)
{
        const struct hap_pruning *p = l->p;
        struct hap_masks *m = &l->masks;

        (void)runs;
        hap_random_fill(hap_prune_key(p, HAP_PRUNE_MASKS), (uint64_t)step, 0, m->n, m->u);
        for (size_t k = 0; k < m->n; k++)
                m->u[k] = fminf(fmaxf(m->u[k], LEAST_UNIFORM), 1 - LEAST_UNIFORM);
        hap_concrete_sample(m->n, m->u, m->log_alpha, m->z, m->slope);
        for (size_t k = 0; k < m->n; k++) {
                l->z[p->edges[k]] = m->z[k];
                l->slope[p->edges[k]] = m->slope[k];
        }
}

static void penalise_probing(struct learner *l)
{
        struct hap_masks *m = &l->masks;

        for (size_t k = 0; k < m->n; k++) {
                const double open = open_probing((double)m->log_alpha[k]);

                m->gradient[k] += (float)(l->p->options->penalty / (double)m->n * open *
                                          (1 - open));
        }
}

/* --- uniform gradient sampling --- */

static double start_ugs(const struct hap_prune_options *o)
{
        return o->start;
}

/* Sets z of one run, and slope to 1 where z is not clipped; counts the runs between. */
static void sample_run(struct learner *l, uint64_t index, float *z, float *slope)
{
        const struct hap_pruning *p = l->p;
        struct hap_masks *m = &l->masks;

        hap_random_fill(hap_prune_key(p, HAP_PRUNE_MASKS), index, 0, m->n, m->u);
        for (size_t k = 0; k < m->n; k++) {
                const double open = hap_sigmoid((double)m->log_alpha[k]);
                const double width = open * (1 - open);
                const double x = 1 - (((double)m->u[k] - open) / width + .5);
                const uint32_t e = p->edges[k];

                z[e] = (float)fmin(fmax(x, 0), 1);
                slope[e] = x >= 0 && x <= 1;
                l->between[e] += x > NEARLY && x < 1 - NEARLY;
        }
}

/* Sets slope to dz/dθ over the number of runs between, and closes dead edges. */
static void weigh_run(struct learner *l, float *z, float *slope)
{
        const struct hap_pruning *p = l->p;

        hap_graph_drop_dead(p->graph, z);
        for (size_t k = 0; k < l->masks.n; k++) {
                const uint32_t e = p->edges[k];
                const double open = hap_sigmoid((double)l->masks.log_alpha[k]);

                if (z[e] == 0 || l->between[e] == 0)
                        slope[e] = 0;
                else
                        slope[e] *= (float)(open * (1 - open) / l->between[e]);
        }
}

static void sample_ugs(struct learner *l, long step, size_t runs)
{
        const size_t n = l->p->graph->n_edges;

        memset(l->between, 0, n * sizeof *l->between);
        for (size_t i = 0; i < runs; i++)
                sample_run(l, (uint64_t)step * l->max_runs + i, l->z + i * n, l->slope + i * n);
        for (size_t i = 0; i < runs; i++)
                weigh_run(l, l->z + i * n, l->slope + i * n);
}

/* The head that an edge comes from, or goes into, as a node; -1: another writer or reader. */
static int64_t head_from(const struct hap_graph *graph, size_t e)
{
        const int writer = hap_graph_edge_writer(graph, e);

        return hap_graph_writer(graph, writer).kind == HAP_WRITES_HEAD
                       ? (int64_t)hap_graph_edge_from(graph, e) : -1;
}

static int64_t head_into(const struct hap_graph *graph, size_t e)
{
        const int reader = hap_graph_edge_reader(graph, e);

        return hap_graph_reader(graph, reader).kind <= HAP_READS_V
                       ? (int64_t)hap_graph_edge_position(graph, e) * graph->n_writers +
                                 hap_graph_reader_node(graph, reader) : -1;
}

/* Sets nodes to the derivative of M/2 tanh(2 s / M) by s, for every head. */
static void measure_heads(struct learner *l)
{
        const struct hap_graph *graph = l->p->graph;
        const double heads = (double)graph->n_layers * graph->n_heads;

        memset(l->nodes, 0, hap_graph_n_nodes(graph) * sizeof *l->nodes);
        for (size_t k = 0; k < l->masks.n; k++) {
                const size_t e = l->p->edges[k];
                const int64_t ends[] = {head_from(graph, e), head_into(graph, e)};

                for (int i = 0; i < 2; i++)
                        if (ends[i] >= 0)
                                l->nodes[ends[i]] += hap_sigmoid((double)l->masks.log_alpha[k]);
        }
        for (size_t i = 0; i < hap_graph_n_nodes(graph); i++)
                l->nodes[i] = 1 - pow(tanh(2 * l->nodes[i] / heads), 2);
}

static int group_of(const struct hap_graph *graph, size_t e)
{
        return (head_from(graph, e) >= 0) + 2 * (head_into(graph, e) >= 0);
}

static void limit_groups(struct learner *l)
{
        const struct hap_graph *graph = l->p->graph;
        struct hap_masks *m = &l->masks;
        double squares[4] = {0};

        for (size_t k = 0; k < m->n; k++)
                squares[group_of(graph, l->p->edges[k])] +=
                        (double)m->gradient[k] * (double)m->gradient[k];
        for (int i = 0; i < 4; i++)
                squares[i] = hap_norm_factor(squares[i], l->p->options->clip);
        for (size_t k = 0; k < m->n; k++)
                m->gradient[k] *= (float)squares[group_of(graph, l->p->edges[k])];
}

static void penalise_ugs(struct learner *l)
{
        const struct hap_prune_options *o = l->p->options;
        const struct hap_graph *graph = l->p->graph;
        struct hap_masks *m = &l->masks;

        measure_heads(l);
        for (size_t k = 0; k < m->n; k++) {
                const size_t e = l->p->edges[k];
                const double open = hap_sigmoid((double)m->log_alpha[k]);
                const int64_t ends[] = {head_from(graph, e), head_into(graph, e)};
                double cost = o->penalty;

                for (int i = 0; i < 2; i++)
                        if (ends[i] >= 0)
                                cost += o->node_penalty * l->nodes[ends[i]];
                m->gradient[k] += (float)(cost * open * (1 - open));
        }
        limit_groups(l);
}

/* --- both --- */

static const struct learned probing = {start_probing, sample_probing, penalise_probing,
                                       open_probing, .shared = true};
static const struct learned ugs = {start_ugs, sample_ugs, penalise_ugs, hap_sigmoid, false};

static void learner_release(struct learner *l)
{
        hap_masks_release(&l->masks);
        free(l->z);
        free(l->slope);
        free(l->zs);
        free(l->slopes);
        free(l->which);
        free(l->kl);
        free(l->gradient);
        free(l->scratch);
        free(l->between);
        free(l->nodes);
}

static int learner_init(struct learner *l, struct hap_pruning *p, const struct learned *kind,
                        struct hap_error *err)
{
        const struct hap_prune_options *o = p->options;
        const size_t n = p->graph->n_edges;
        int rc;

        *l = (struct learner){.p = p, .kind = kind,
                              .samples = kind->shared ? 1 : (size_t)o->samples};
        l->max_runs = hap_min((size_t)o->batch, p->prompts->n) * l->samples;
        l->n_masks = kind->shared ? 1 : l->max_runs;
        rc = hap_masks_init(&l->masks, p->n_allowed, o, o->rate);
        l->z = calloc(l->n_masks * n, sizeof *l->z);
        l->slope = calloc(l->n_masks * n, sizeof *l->slope);
        l->zs = calloc(l->max_runs, sizeof *l->zs);
        l->slopes = calloc(l->max_runs, sizeof *l->slopes);
        l->which = calloc(l->max_runs, sizeof *l->which);
        l->kl = calloc(l->max_runs, sizeof *l->kl);
        l->gradient = calloc(n, sizeof *l->gradient);
        l->scratch = calloc(n, sizeof *l->scratch);
        l->between = calloc(n, sizeof *l->between);
        l->nodes = calloc(hap_graph_n_nodes(p->graph), sizeof *l->nodes);
        if (rc < 0 || !l->z || !l->slope || !l->zs || !l->slopes || !l->which || !l->kl ||
            !l->gradient || !l->scratch || !l->between || !l->nodes) {
                learner_release(l);
                return hap_fail_memory(err, "the masks");
        }
        for (size_t i = 0; i < l->max_runs; i++) {
                l->zs[i] = l->z + (kind->shared ? 0 : i * n);
                l->slopes[i] = l->slope + (kind->shared ? 0 : i * n);
        }
        for (size_t k = 0; k < l->masks.n; k++)
                l->masks.log_alpha[k] = (float)kind->start(o);
        hap_masks_add_to_checkpoint(&l->masks, &p->checkpoint);
        return HAP_OK;
}

/* The step's prompts, each `samples` times. Returns the number of runs; 0: no memory. */
static size_t choose_prompts(struct learner *l, long step)
{
        const size_t n = hap_prune_batch(l->p, step, l->max_runs / l->samples, true, l->which);

        for (size_t i = n * l->samples; i-- > 0;)
                l->which[i] = l->which[i / l->samples];
        return n * l->samples;
}

static void fill_status(struct learner *l, size_t runs, struct hap_prune_step *status)
{
        const struct hap_pruning *p = l->p;
        const size_t n = p->graph->n_edges, masks = l->kind->shared ? 1 : runs;
        double open = 0;

        for (size_t i = 0; i < runs; i++)
                status->kl += l->kl[i] / (double)runs;
        for (size_t i = 0; i < masks * n; i++)
                open += (double)l->z[i] / (double)masks;
        status->sparsity = 1 - open / (double)n;
        status->target = isnan(p->target) ? status->sparsity : p->target;
        memset(l->scratch, 0, n * sizeof *l->scratch);
        for (size_t k = 0; k < l->masks.n; k++)
                l->scratch[p->edges[k]] = l->masks.log_alpha[k] > 0;
        status->alive = hap_prune_alive(p, l->scratch, l->gradient);
}

static int check_finite(const struct learner *l, struct hap_error *err)
{
        double sum = 0;

        for (size_t k = 0; k < l->masks.n; k++)
                sum += (double)l->masks.log_alpha[k];
        return isfinite(sum) ? HAP_OK
                             : hap_fail(err, HAP_EINPUT, "a mask is no longer a finite number: "
                                                         "lower --set rate=X");
}

static int learn_step(void *context, long step, struct hap_prune_step *status,
                      struct hap_error *err)
{
        struct learner *l = context;
        struct hap_pruning *p = l->p;
        struct hap_masks *m = &l->masks;
        const size_t runs = choose_prompts(l, step);
        const struct hap_runs of_step = {.n = runs, .which = l->which, .z = l->zs,
                                         .wanted = p->allowed,
                                         .slope = l->kind->shared ? NULL : l->slopes};
        int rc;

        if (runs == 0)
                return hap_fail_memory(err, "the order of prompts");
        l->kind->sample(l, step, runs);
        rc = hap_masked_kl_run(&p->masked_kl, &of_step, l->kl, l->gradient, err);
        if (rc < 0)
                return rc;
        for (size_t k = 0; k < m->n; k++) {
                const uint32_t e = p->edges[k];

                m->gradient[k] = l->gradient[e];
                if (l->kind->shared)
                        m->gradient[k] *= l->slope[e] / (float)runs;
        }
        l->kind->penalise(l);
        hap_adamw_step(&m->adamw, step + 1, 1, m->n, m->gradient, m->mean, m->square,
                       m->log_alpha);
        fill_status(l, runs, status);
        return check_finite(l, err);
}

static int learn(struct learner *l, struct hap_error *err)
{
        const long steps = (long)l->p->options->steps;
        int rc = HAP_OK;

        for (long step = (long)l->p->steps; step < steps && rc == HAP_OK; step++)
                rc = hap_prune_take_step(l->p, step, steps, learn_step, l, err);
        return rc;
}

static int cut(struct learner *l, struct hap_error *err)
{
        struct hap_pruning *p = l->p;
        int rc;

        memset(l->scratch, 0, p->graph->n_edges * sizeof *l->scratch);
        for (size_t k = 0; k < l->masks.n; k++) {
                p->ranking[p->edges[k]] = (double)l->masks.log_alpha[k];
                l->scratch[p->edges[k]] = l->masks.log_alpha[k] > 0;
        }
        rc = hap_prune_has_size(p->options)
                     ? hap_prune_cut_to_size(p, p->ranking, l->scratch, err)
                     : hap_prune_result(p, l->scratch, err);
        for (size_t k = 0; k < l->masks.n; k++)
                p->ranking[p->edges[k]] = l->kind->open((double)l->masks.log_alpha[k]);
        return rc;
}

static int learn_masks(struct hap_pruning *pruning, const struct learned *kind,
                       struct hap_error *err)
{
        struct learner l;
        int rc = learner_init(&l, pruning, kind, err);

        if (rc < 0)
                return rc;
        rc = hap_prune_resume(pruning, pruning->options->steps, err);
        if (rc == HAP_OK)
                rc = learn(&l, err);
        if (rc == HAP_OK)
                rc = cut(&l, err);
        learner_release(&l);
        return rc;
}

int hap_recipe_subnetwork_probing(struct hap_pruning *pruning, struct hap_error *err)
{
        return learn_masks(pruning, &probing, err);
}

int hap_recipe_ugs(struct hap_pruning *pruning, struct hap_error *err)
{
        return learn_masks(pruning, &ugs, err);
}
