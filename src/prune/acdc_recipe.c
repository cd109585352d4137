#include "prune/acdc_recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/log.h"

/* Between which a threshold is searched. */
#define LEAST 1e-6
#define MOST 1e2

/* The greedy search at one threshold, and the search for the threshold. */
struct acdc {
        struct hap_pruning *p;
        size_t n;        /* prompts that the loss is measured on */
        double loss;     /* of z */
        int64_t visited; /* readers, at this threshold */
        int64_t tried;   /* thresholds that are done */
        double low, high; /* logarithms: the search's bounds */
        float *z;        /* [n_edges]: 1 for edges that are not cut */
        double *effect;  /* [n_edges]: by how much the loss rose without the edge */
        float *best;     /* [n_edges]: the circuit chosen so far; 0: none */
        double *best_effect, best_threshold;
        float *trial;    /* [n_edges]: z without an edge and those that die with it */
        float *live;     /* [n_edges]: scratch */
        uint32_t *which; /* [prompts]: the first n are those */
};

static void acdc_release(struct acdc *a)
{
        free(a->z);
        free(a->effect);
        free(a->best);
        free(a->best_effect);
        free(a->trial);
        free(a->live);
        free(a->which);
}

static int acdc_init(struct acdc *a, struct hap_pruning *p, struct hap_error *err)
{
        const size_t n_edges = p->graph->n_edges;
        const size_t on = (size_t)p->options->measure_on;

        *a = (struct acdc){.p = p, .n = on ? hap_min(on, p->prompts->n) : p->prompts->n,
                           .low = log(LEAST), .high = log(MOST)};
        a->z = calloc(n_edges, sizeof *a->z);
        a->effect = calloc(n_edges, sizeof *a->effect);
        a->best = calloc(n_edges, sizeof *a->best);
        a->best_effect = calloc(n_edges, sizeof *a->best_effect);
        a->trial = calloc(n_edges, sizeof *a->trial);
        a->live = calloc(n_edges, sizeof *a->live);
        a->which = calloc(p->prompts->n, sizeof *a->which);
        if (!a->z || !a->effect || !a->best || !a->best_effect || !a->trial || !a->live ||
            !a->which) {
                acdc_release(a);
                return hap_fail_memory(err, "the edges");
        }
        hap_random_shuffle(hap_prune_key(p, HAP_PRUNE_CHOICE), 0, p->prompts->n, a->which);
        return HAP_OK;
}

static void add_to_checkpoint(struct acdc *a)
{
        struct hap_checkpoint *c = &a->p->checkpoint;
        const size_t n = a->p->graph->n_edges;

        hap_checkpoint_add_any_double(c, "loss", &a->loss);
        hap_checkpoint_add_integer(c, "readers", &a->visited, 0, INT32_MAX);
        hap_checkpoint_add_integer(c, "thresholds", &a->tried, 0, a->p->options->tries);
        hap_checkpoint_add_any_double(c, "lowest threshold", &a->low);
        hap_checkpoint_add_any_double(c, "highest threshold", &a->high);
        hap_checkpoint_add_any_double(c, "best threshold", &a->best_threshold);
        hap_checkpoint_add_floats(c, "edges", a->z, n);
        hap_checkpoint_add_doubles(c, "effects", a->effect, n);
        hap_checkpoint_add_floats(c, "best edges", a->best, n);
        hap_checkpoint_add_doubles(c, "best effects", a->best_effect, n);
}

/* The mean loss of the trial. */
static int measure(struct acdc *a, double *loss, struct hap_error *err)
{
        return hap_masked_kl_means(&a->p->masked_kl, 1, a->trial, a->which, a->n, loss, err);
}

static int try_edge(struct acdc *a, size_t e, double threshold, struct hap_error *err)
{
        const size_t n = a->p->graph->n_edges;
        double without = NAN;
        int rc;

        if (a->live[e] == 0) {
                a->z[e] = 0;
                return HAP_OK;
        }
        memcpy(a->trial, a->z, n * sizeof *a->z);
        a->trial[e] = 0;
        hap_graph_drop_dead(a->p->graph, a->trial);
        rc = measure(a, &without, err);
        a->effect[e] = without - a->loss;
        if ((a->p->options->absolute ? fabs(a->effect[e]) : a->effect[e]) < threshold) {
                a->loss = without;
                memcpy(a->z, a->trial, n * sizeof *a->z);
        }
        return rc;
}

/* Tries the edges of a reader at all positions, the last first. */
static int visit_reader(struct acdc *a, int reader, double threshold, struct hap_error *err)
{
        const struct hap_graph *graph = a->p->graph;
        const size_t n_in = (size_t)hap_graph_in(graph, reader);
        int rc = HAP_OK;

        memcpy(a->live, a->z, graph->n_edges * sizeof *a->z);
        hap_graph_drop_dead(graph, a->live);
        for (int position = graph->n_positions - 1; position >= 0; position--)
                for (size_t w = n_in; w-- > 0 && rc == HAP_OK;) {
                        const size_t e = (size_t)position * graph->edges_per_position +
                                         graph->edge_start[reader] + w;

                        if (a->z[e] > 0)
                                rc = try_edge(a, e, threshold, err);
                }
        return rc;
}

/* Starts at the subgraph or the full graph. */
static int begin(struct acdc *a, struct hap_error *err)
{
        for (size_t e = 0; e < a->p->graph->n_edges; e++) {
                a->z[e] = a->p->allowed[e];
                a->effect[e] = 0;
        }
        memcpy(a->trial, a->z, a->p->graph->n_edges * sizeof *a->z);
        return measure(a, &a->loss, err);
}

static int end_visit(struct acdc *a, struct hap_error *err)
{
        const int64_t n_readers = a->p->graph->n_readers;
        const int64_t tries = hap_prune_has_size(a->p->options) ? a->p->options->tries : 1;
        struct hap_prune_step status = {.step = (long)(a->tried * n_readers + a->visited),
                                        .steps = (long)(tries * n_readers), .kl = a->loss};

        status.alive = hap_prune_alive(a->p, a->z, a->live);
        status.sparsity = 1 - (double)status.alive / (double)a->p->graph->n_edges;
        status.target = isnan(a->p->target) ? status.sparsity : a->p->target;
        return hap_prune_step_done(a->p, &status, err);
}

static int run_threshold(struct acdc *a, double threshold, struct hap_error *err)
{
        const int64_t n_readers = a->p->graph->n_readers;
        int rc = a->visited == 0 ? begin(a, err) : HAP_OK;

        while (a->visited < n_readers && rc == HAP_OK) {
                rc = visit_reader(a, (int)(n_readers - 1 - a->visited), threshold, err);
                a->visited++;
                if (rc == HAP_OK)
                        rc = end_visit(a, err);
        }
        return rc;
}

/* Keeps the circuit if it is the best so far: the largest that is not larger than wanted. Returns
 * its number of edges. */
static size_t keep_if_best(struct acdc *a, double threshold)
{
        const size_t n = a->p->graph->n_edges, n_target = a->p->n_target;
        size_t kept;

        hap_graph_drop_dead(a->p->graph, a->z);
        kept = hap_graph_count_kept(a->p->graph, a->z);
        if ((n_target == 0 || kept <= n_target) &&
            kept > hap_graph_count_kept(a->p->graph, a->best)) {
                memcpy(a->best, a->z, n * sizeof *a->z);
                memcpy(a->best_effect, a->effect, n * sizeof *a->effect);
                a->best_threshold = threshold;
        }
        return kept;
}

/* Bisects the logarithm of the threshold. */
static int search(struct acdc *a, struct hap_error *err)
{
        const struct hap_prune_options *o = a->p->options;

        while (a->tried < o->tries) {
                const double middle = (a->low + a->high) / 2;
                const int rc = run_threshold(a, exp(middle), err);
                size_t kept;

                if (rc != HAP_OK)
                        return rc;
                kept = keep_if_best(a, exp(middle));
                if (kept == a->p->n_target)
                        break;
                *(kept > a->p->n_target ? &a->low : &a->high) = middle;
                a->visited = 0;
                a->tried++;
        }
        return HAP_OK;
}

static int run(struct acdc *a, struct hap_error *err)
{
        const struct hap_prune_options *o = a->p->options;
        const bool sized = hap_prune_has_size(o);
        int rc = hap_prune_resume(a->p, (sized ? o->tries : 1) * a->p->graph->n_readers, err);

        if (rc == HAP_OK)
                rc = sized ? search(a, err) : run_threshold(a, o->threshold, err);
        if (rc != HAP_OK)
                return rc;
        if (!sized)
                keep_if_best(a, o->threshold);
        if (hap_graph_count_kept(a->p->graph, a->best) == 0)
                return hap_fail(err, HAP_EINPUT, "no circuit is left%s: %s", sized ?
                                " of that size at any threshold tried" : " at this threshold",
                                sized ? "ask for more edges or give --set tries=N" :
                                "lower --set threshold=X");
        a->p->threshold = a->best_threshold;
        memcpy(a->p->ranking, a->best_effect, a->p->graph->n_edges * sizeof *a->best_effect);
        memcpy(a->z, a->best, a->p->graph->n_edges * sizeof *a->z);
        memcpy(a->trial, a->best, a->p->graph->n_edges * sizeof *a->z);
        a->p->masked_kl.metric = NULL;
        a->p->kl_on = (int64_t)a->n;
        rc = measure(a, &a->p->kl, err);
        return rc < 0 ? rc : hap_prune_result(a->p, a->z, err);
}

/* HAP_EINPUT: the metric needs answers that an example does not have, or is not defined for its
 * answers. */
static int set_metric(struct hap_pruning *p, struct hap_error *err)
{
        const struct hap_metric *metric = hap_metric_with_gradient(p->options->metric);

        if (metric == &hap_metric_kl)
                return HAP_OK;
        for (size_t i = 0; i < p->prompts->n; i++) {
                const struct hap_example *example = p->prompts->examples + i;
                const char *missing = hap_metric_missing(metric, example);

                if (hap_metric_check_whole(metric, example, err) < 0)
                        return err->code;
                if (missing)
                        return hap_fail(err, HAP_EINPUT, "example '%s' has no %s, which metric %s "
                                        "needs", example->id, missing, metric->name);
        }
        p->masked_kl.metric = metric;
        return HAP_OK;
}

int hap_recipe_acdc(struct hap_pruning *pruning, struct hap_error *err)
{
        struct acdc a;
        int rc = set_metric(pruning, err);

        if (rc == HAP_OK)
                rc = acdc_init(&a, pruning, err);
        if (rc != HAP_OK)
                return rc;
        add_to_checkpoint(&a);
        rc = run(&a, err);
        acdc_release(&a);
        return rc;
}
