/* The parameters of recipe edge-pruning and their initial values. */
#ifndef HAP_PRUNE_TRAINER_H
#define HAP_PRUNE_TRAINER_H

#include "prune/optimiser.h"
#include "prune/pruning.h"

/* The mask parameters of edges or of writers, and a step's samples of them. */
struct hap_masks {
        size_t n;
        struct hap_adamw adamw;
        float *log_alpha, *mean, *square; /* [n]: saved in checkpoints */
        float *u, *z, *slope, *gradient;  /* [n] */
};

/* Zeros. -1: no memory; the masks must be released in any case. */
int hap_masks_init(struct hap_masks *masks, size_t n, const struct hap_prune_options *options,
                   double rate);
void hap_masks_release(struct hap_masks *masks);
void hap_masks_add_to_checkpoint(struct hap_masks *masks, struct hap_checkpoint *checkpoint);

/* The multipliers λ1, λ2 of a constraint s = t. */
struct hap_constraint {
        struct hap_adamw adamw;
        float lambda[2], mean[2], square[2];
        float gradient[2]; /* s − t, (s − t)² */
};

struct hap_trainer {
        struct hap_pruning *p;
        struct hap_masks edges; /* for p->edges */
        struct hap_masks nodes; /* for writers; n = 0: there are none */
        struct hap_constraint edge_limit, node_limit;
        double node_target; /* NaN: no node loss */
        double best;        /* lowest smoothed KL, for --patience */
        double smooth;
        int64_t best_step;
        double first_sparsity; /* the sparsity that the ramp starts from */
        /* [n_edges] */
        float *m, *slope, *scratch;
        bool *wanted;
        /* [batch] */
        uint32_t *which;
        const float **z;
        double *kl;
};

/* Allocates and initialises the parameters and adds them to the checkpoint's fields. HAP_EUSAGE:
 * from-scores=yes without scores. On an error nothing needs to be released. */
int hap_trainer_init(struct hap_trainer *trainer, struct hap_pruning *pruning,
                     struct hap_error *err);
void hap_trainer_release(struct hap_trainer *trainer);

/* The factor of an edge's mask that comes from its writer: the writer's sampled z, or 1. */
static inline float hap_trainer_node(const struct hap_trainer *t, size_t edge)
{
        return t->nodes.n ? t->nodes.z[hap_graph_edge_writer(t->p->graph, edge)] : 1;
}

#endif
