#include "prune/threshold.h"

#include <stdlib.h>
#include <string.h>

#include "prune/edge_order.h"
#include "prune/hard_concrete.h"

/* The deterministic masks of one kind (in z), and the highest threshold, to within 1e-5,
 * above which no fewer are open than the masks sum to: the original's search by halves.
 * That takes the last middle; where all masks are as close to each other as that, it may
 * lie above every one of them, and nothing would be left of open masks. */
static int threshold_of(struct hap_masks *masks, size_t whole, double *soft, double *threshold)
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

/* Edges whose own mask and whose writer's are above their thresholds, to t->m:
 * 1, or 0 for the others. *sparsity: of the masks as they are. */
static int mask_by_threshold(struct hap_trainer *t, double *sparsity, struct hap_error *err)
{
        struct hap_pruning *p = t->p;
        double edge_threshold, node_threshold = 0, soft;

        if (threshold_of(&t->edges, p->graph->n_edges, sparsity, &edge_threshold) < 0 ||
            (t->nodes.n && threshold_of(&t->nodes, t->nodes.n, &soft, &node_threshold) < 0))
                return hap_fail_memory(err, "the masks");
        memset(t->m, 0, p->graph->n_edges * sizeof *t->m);
        for (size_t k = 0; k < t->edges.n; k++)
                t->m[p->edges[k]] = (double)t->edges.z[k] > edge_threshold &&
                                    (double)hap_trainer_node(t, p->edges[k]) > node_threshold;
        return HAP_OK;
}

/* The wanted number of edges by P(edge open) · P(writer open). */
static int cut_exactly(struct hap_trainer *t, struct hap_error *err)
{
        struct hap_pruning *p = t->p;
        double *value = calloc(p->graph->n_edges, sizeof *value);
        uint32_t *order = calloc(p->n_allowed, sizeof *order);
        int rc = value && order ? HAP_OK : hap_fail_memory(err, "the ranking");

        for (size_t k = 0; k < t->edges.n && rc == HAP_OK; k++) {
                size_t e = p->edges[k];

                value[e] = hap_concrete_log_open((double)t->edges.log_alpha[k]);
                if (t->nodes.n)
                        value[e] += hap_concrete_log_open((double)
                                t->nodes.log_alpha[hap_graph_edge_writer(p->graph, e)]);
        }
        if (rc == HAP_OK)
                rc = hap_prune_rank(p, value, 1, order, err);
        if (rc == HAP_OK && hap_rank_cut(p->graph, order, p->n_allowed, p->n_target, t->m) <= 0)
                rc = hap_fail_memory(err, "the ranking"); /* a path as short exists */
        free(value);
        free(order);
        return rc < 0 ? rc : hap_prune_result(p, t->m, err);
}

int hap_trainer_cut(struct hap_trainer *trainer, struct hap_error *err)
{
        struct hap_pruning *p = trainer->p;
        int rc = mask_by_threshold(trainer, &p->result.soft, err);

        if (rc < 0)
                return rc;
        p->own.soft = p->result.soft;
        if (p->own.z) /* it may leave nothing */
                hap_prune_keep(p, trainer->m, &p->own);
        return p->options->exact ? cut_exactly(trainer, err)
                                 : hap_prune_result(p, trainer->m, err);
}
