/* The state of rank sampling and refinement, which the recipe rank keeps in checkpoints. */
#ifndef HAP_PRUNE_RANKER_H
#define HAP_PRUNE_RANKER_H

#include "prune/circuits.h"

struct hap_ranker {
        struct hap_pruning *p;
        double *score; /* [n_edges]: h, the running mean of each edge's score */
        const double *initial_scores; /* those of the input, or measured_scores, or NULL */
        double *measured_scores; /* [n_edges] */
        int64_t own; /* initial_scores are measured_scores */
        int64_t by_size; /* the initial scores rank edges by their size, without their sign */
        double *mean; /* [n_edges]: mean of h at the ends of restarts */
        double *velocity; /* [n_edges]: refinement's running mean of gradients */
        double *trial; /* [n_edges]: refinement's h + λ v */
        struct hap_circuits candidates; /* of the current restart */
        struct hap_circuits winners;    /* the best of each restart, and refinement's circuit */
        struct hap_circuits final;      /* the latest of refinement and swaps, or the best winner */
        int64_t ended;  /* restarts that have ended */
        int64_t rounds; /* rounds of refinement and swaps that have ended */
        int64_t same;   /* latest steps whose ranking gave no new circuit */
        /* [n_allowed] */
        uint32_t *order;
        float *log_alpha;
        size_t n_z;      /* prompts of a step or of a round, whichever are more */
        uint32_t *which; /* [n_z] */
        double *kl; /* [n_z] */
        float **z; /* [n_z][n_edges] */
        float *gradient, *circuit, *scratch; /* [n_edges] */
};

/* Allocates the arrays and adds the state to the checkpoint's fields. On an error nothing
 * needs to be released. */
int hap_ranker_init(struct hap_ranker *ranker, struct hap_pruning *pruning,
                    struct hap_error *err);
void hap_ranker_release(struct hap_ranker *ranker);

/* HAP_EINPUT: the circuits that were read from a checkpoint are not ones that this run can have
 * made. */
int hap_ranker_check_restored(struct hap_ranker *ranker, struct hap_error *err);

/* Sets *size to the mean |g| over the allowed edges. HAP_EINPUT: it is not finite. */
int hap_rank_mean_size(const struct hap_pruning *pruning, const float *gradient, double *size,
                       struct hap_error *err);

#endif
