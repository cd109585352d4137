#include "prune/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prune/edge_order.h"
#include "prune/hard_concrete.h"

/* Sets masks->z to the deterministic masks, *soft to their sparsity and *threshold to the
 * highest threshold, to within 1e-5, that leaves at least as many masks open as they sum to.
 * This is the original's binary search, except that the original returns the last middle:
 * if all masks are closer to each other than 1e-5, that may be above all of them and close
 * every mask. -1: no memory. */
static int find_threshold(struct hap_masks *masks, size_t whole, double *soft, double *threshold)
{
        double sum = 0, low = 0, high = 1;

        if (hap_concrete_deterministic(masks->n, masks->log_alpha, masks->z) < 0)
                return -1;
        for (size_t i = 0; i < masks->n; i++)
                sum += (double)masks->z[i];
        *soft = 1 - sum / (double)whole;
        while (high - low > 1e-5) {
                const double middle = (low + high) / 2;
                size_t open = 0;

                for (size_t i = 0; i < masks->n; i++)
                        open += (double)masks->z[i] > middle;
                if (1 - (double)open / (double)whole > *soft)
                        high = middle;
                else
                        low = middle;
        }
        *threshold = low;
        return 0;
}

/* Sets t->m to 1 for edges whose mask and whose writer's mask are above their thresholds, and
 * to 0 for all others. *sparsity: the sparsity of the deterministic edge masks. */
static int mask_by_threshold(struct hap_trainer *t, double *sparsity, struct hap_error *err)
{
        struct hap_pruning *p = t->p;
        double edge_threshold, node_threshold = 0, soft;

        if (find_threshold(&t->edges, p->graph->n_edges, sparsity, &edge_threshold) < 0 ||
            (t->nodes.n && find_threshold(&t->nodes, t->nodes.n, &soft, &node_threshold) < 0))
                return hap_fail_memory(err, "the masks");
        memset(t->m, 0, p->graph->n_edges * sizeof *t->m);
        for (size_t k = 0; k < t->edges.n; k++)
                t->m[p->edges[k]] = (double)t->edges.z[k] > edge_threshold &&
                                    (double)hap_trainer_node(t, p->edges[k]) > node_threshold;
        return HAP_OK;
}

/* Sets value ([n_edges]) to log P(edge open) + log P(writer open) of the subgraph's edges. */
static void log_open(const struct hap_trainer *t, double *value)
{
        const struct hap_pruning *p = t->p;

        for (size_t k = 0; k < t->edges.n; k++) {
                size_t e = p->edges[k];

                value[e] = hap_concrete_log_open((double)t->edges.log_alpha[k]);
                if (t->nodes.n)
                        value[e] += hap_concrete_log_open((double)
                                t->nodes.log_alpha[hap_graph_edge_writer(p->graph, e)]);
        }
}

int hap_prune_cut_to_size(struct hap_pruning *p, const double *value, float *z,
                          struct hap_error *err)
{
        uint32_t *order = calloc(p->n_allowed, sizeof *order);
        int rc = order ? HAP_OK : hap_fail_memory(err, "the ranking");

        if (rc == HAP_OK)
                rc = hap_prune_rank(p, value, 1, order, err);
        if (rc == HAP_OK &&
            hap_edge_order_cut(p->graph, order, p->n_allowed, p->n_target, z) <= 0)
                rc = hap_fail_memory(err, "the ranking"); /* hap_pruning_init made sure of a path */
        free(order);
        return rc < 0 ? rc : hap_prune_result(p, z, err);
}

int hap_trainer_cut(struct hap_trainer *trainer, struct hap_error *err)
{
        struct hap_pruning *p = trainer->p;
        int rc = mask_by_threshold(trainer, &p->result.soft, err);

        if (rc < 0)
                return rc;
        p->threshold_circuit.soft = p->result.soft;
        if (p->threshold_circuit.z) /* this circuit may be empty */
                hap_prune_keep(p, trainer->m, &p->threshold_circuit);
        log_open(trainer, p->ranking);
        rc = p->options->exact ? hap_prune_cut_to_size(p, p->ranking, trainer->m, err)
                               : hap_prune_result(p, trainer->m, err);
        for (size_t k = 0; k < p->n_allowed; k++)
                p->ranking[p->edges[k]] = exp(p->ranking[p->edges[k]]);
        return rc;
}
