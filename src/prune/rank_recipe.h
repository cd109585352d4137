/* Rank sampling's state, and how its circuits are compared. */
#ifndef HAP_PRUNE_RANK_RECIPE_H
#define HAP_PRUNE_RANK_RECIPE_H

#include "prune/pruning.h"

/* Circuits as bits, so that many can be kept. */
struct hap_circuits {
        size_t bytes; /* of one: a bit an edge */
        size_t room;
        int64_t n;
        uint8_t *bits; /* [room][bytes] */
};
int hap_circuits_init(struct hap_circuits *circuits, size_t n_edges, size_t room,
                      struct hap_error *err);
void hap_circuits_release(struct hap_circuits *circuits);
/* Adds the edges with z > 0 unless that circuit is there; a full set takes no
 * more. */
void hap_circuits_add(struct hap_circuits *circuits, size_t n_edges, const float *z);
/* The first edges of the order, filled up to the number wanted, to z ([n_edges]); none
 * where the first join nothing. Returns how many live, or an error. */
long hap_rank_circuit(const struct hap_pruning *pruning, const uint32_t *order, float *z,
                      struct hap_error *err);
/* Adds that circuit, unless it has no edges. z ([n_edges]): scratch. */
int hap_circuits_add_first(struct hap_circuits *circuits, const struct hap_pruning *pruning,
                           const uint32_t *order, float *z, struct hap_error *err);
void hap_circuits_get(const struct hap_circuits *circuits, int64_t i, size_t n_edges, float *z);

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

/* The mean KL of every circuit over the training prompts order[0 … n-1] to
 * kl[circuit]. */
int hap_circuits_measure(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                         const uint32_t *order, size_t n, double *kl, struct hap_error *err);

/* The best circuit of a set by exact KL on prompts of `order` (all prompts): after
 * a quarter and a half of the first `on` the better half stays, after all of
 * them `finalists`, which `finalists_on` more prompts decide between. To z ([n_edges]);
 * *kl is its mean over the prompts it was measured on. HAP_PRUNE_STOPPED when it is
 * to stop, with nothing changed but the count of runs. */
int hap_circuits_best(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                      const uint32_t *order, size_t on, float *z, double *kl,
                      struct hap_error *err);

/* Takes the scores, measures own ones where there are none and no steps to
 * learn some, and decides how they rank edges. */
int hap_rank_start(struct hap_ranker *ranker, struct hap_error *err);

/* h of the scores, divided by their mean size; 0 without scores. */
void hap_rank_from_scores(struct hap_ranker *ranker, bool by_size);

/* Masks of n prompts, to ranker->z: the edge in place k of ranker->order is open with
 * log-odds sharpness · ln((open + ½) / (k + ½)), all in ranker->log_alpha. Prompt i
 * draws the numbers of `place` + i. */
int hap_rank_sample(struct hap_ranker *ranker, uint64_t place, size_t n, double open,
                    double sharpness, enum hap_mask_kind kind, struct hap_error *err);

/* The mean |g| over the allowed edges; HAP_EINPUT when it is not finite. */
int hap_rank_mean_size(const struct hap_pruning *pruning, const float *gradient, double *size,
                       struct hap_error *err);

/* One round of refinement at the circuit z ([n_edges]), which h leads to; both
 * change. *kl: the mean KL under the masks it learned with. */
int hap_refine_round(struct hap_ranker *ranker, int64_t round, float *z, double *kl,
                     struct hap_error *err);

/* One round of swaps at the circuit z ([n_edges], changed in place when that
 * lowers the KL on training prompts, *kl). 1 when it did, 0 when not. */
int hap_swap_round(struct hap_pruning *pruning, int64_t round, float *z, double *kl,
                   struct hap_error *err);

#endif
