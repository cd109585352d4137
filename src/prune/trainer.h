/* The parameters of recipe edge-pruning, and their start. */
#ifndef HAP_PRUNE_TRAINER_H
#define HAP_PRUNE_TRAINER_H

#include "prune/optimiser.h"
#include "prune/pruning.h"

/* Parameters of one kind, and a step's samples of them. */
struct hap_masks {
        size_t n;
        struct hap_adamw adamw;
        float *log_alpha, *mean, *square; /* [n]: kept in checkpoints */
        float *u, *z, *slope, *gradient;  /* [n] */
};

/* λ1, λ2 of a constraint s = t. */
struct hap_constraint {
        struct hap_adamw adamw;
        float lambda[2], mean[2], square[2];
        float gradient[2]; /* s − t, (s − t)² */
};

struct hap_trainer {
        struct hap_pruning *p;
        struct hap_masks edges; /* of p->edges */
        struct hap_masks nodes; /* of writers; n = 0: none */
        struct hap_constraint edge_limit, node_limit;
        double node_target; /* NaN: no node loss */
        double best;        /* smoothed KL, for --patience */
        double smooth;
        int64_t best_step;
        double first_sparsity; /* where the ramp starts */
        /* [n_edges] */
        float *m, *slope, *scratch;
        bool *wanted;
        /* [batch] */
        uint32_t *which;
        const float **z;
        double *kl;
};

/* Memory, first values, and the fields of the checkpoint. */
int hap_trainer_init(struct hap_trainer *trainer, struct hap_pruning *pruning,
                     struct hap_error *err);
void hap_trainer_release(struct hap_trainer *trainer);

/* A writer's part in the mask of an edge from it: its sampled z, or 1. */
static inline float hap_trainer_node(const struct hap_trainer *t, size_t edge)
{
        return t->nodes.n ? t->nodes.z[hap_graph_edge_writer(t->p->graph, edge)] : 1;
}

#endif
