/* The state of rank sampling and refinement, which the recipe rank keeps in checkpoints. */
#ifndef HAP_PRUNE_RANKER_H
#define HAP_PRUNE_RANKER_H

#include "prune/circuits.h"

struct hap_ranker {
        struct hap_pruning *p;
        double *harm; /* [n_edges]: h, the running mean */
        const double *scores; /* those given, or own, or NULL */
        double *own;  /* [n_edges] */
        int64_t by_size; /* scores rank edges by size, not with their sign */
        double *mean; /* [n_edges]: of h at the ends of restarts */
        double *velocity; /* [n_edges]: refinement's running mean of gradients */
        double *moved; /* [n_edges]: refinement's h + λ v */
        struct hap_circuits candidates; /* of the restart under way */
        struct hap_circuits winners;    /* the best of each that ended, and what refinement made */
        struct hap_circuits final;      /* the best of all; swaps change it */
        int64_t ended; /* restarts */
        int64_t rounds; /* of refinement and swaps done */
        int64_t same; /* steps in which the ranking gave no new circuit */
        /* [n_allowed] */
        uint32_t *order;
        float *log_alpha;
        size_t n_z; /* prompts of a step or a round, the larger number */
        uint32_t *which; /* [n_z] */
        double *kl; /* [n_z] */
        float **z; /* [n_z][n_edges] */
        float *gradient, *cut, *scratch; /* [n_edges] */
};

/* Allocates the arrays and adds the state to the checkpoint's fields. On an error nothing
 * needs to be released. */
int hap_ranker_init(struct hap_ranker *ranker, struct hap_pruning *pruning,
                    struct hap_error *err);
void hap_ranker_release(struct hap_ranker *ranker);

/* The mean |g| over the allowed edges; HAP_EINPUT when it is not finite. */
int hap_rank_mean_size(const struct hap_pruning *pruning, const float *gradient, double *size,
                       struct hap_error *err);

#endif
