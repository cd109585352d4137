/* Sets of circuits, and the best circuit of a set by exact KL. */
#ifndef HAP_PRUNE_CIRCUITS_H
#define HAP_PRUNE_CIRCUITS_H

#include "prune/pruning.h"

/* A set of different circuits. A bit for each edge, so that many fit into memory. */
struct hap_circuits {
        size_t bytes; /* of one circuit */
        size_t capacity;
        int64_t n;
        uint8_t *bits; /* [capacity][bytes] */
};
int hap_circuits_init(struct hap_circuits *circuits, size_t n_edges, size_t capacity,
                      struct hap_error *err);
void hap_circuits_release(struct hap_circuits *circuits);
/* Adds the circuit of the edges with z > 0 unless the set contains it or is full. */
void hap_circuits_add(struct hap_circuits *circuits, size_t n_edges, const float *z);
/* Sets z ([n_edges]) to the first edges of the order, filled up to the wanted number; to no
 * edges if the first ones form no path. Returns the number of live edges, or an error. */
long hap_rank_circuit(const struct hap_pruning *pruning, const uint32_t *order, float *z,
                      struct hap_error *err);
/* Adds that circuit unless it has no edges. z ([n_edges]): scratch. */
int hap_circuits_add_first(struct hap_circuits *circuits, const struct hap_pruning *pruning,
                           const uint32_t *order, float *z, struct hap_error *err);
void hap_circuits_get(const struct hap_circuits *circuits, int64_t i, size_t n_edges, float *z);

/* Sets kl[i] to circuit i's mean KL over the training prompts order[0 … n-1]. */
int hap_circuits_measure(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                         const uint32_t *order, size_t n, double *kl, struct hap_error *err);

/* Sets z ([n_edges]) to the set's best circuit by exact KL. `order` lists all prompts. The
 * better half of the circuits is kept after a quarter and after a half of the first `on`
 * prompts, the constant finalists' number of them after all `on`; finalists-on more prompts
 * decide between those. *kl: the mean over the prompts that the best one was measured on.
 * HAP_PRUNE_STOPPED: pruning->stop is set; only the count of runs has changed. */
int hap_circuits_best(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                      const uint32_t *order, size_t on, float *z, double *kl,
                      struct hap_error *err);

#endif
