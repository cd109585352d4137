/* Sets of circuits, and the best circuit of a set by exact KL. */
#ifndef HAP_PRUNE_CIRCUITS_H
#define HAP_PRUNE_CIRCUITS_H

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

/* The mean KL of every circuit over the training prompts order[0 … n-1] to
 * kl[circuit]. */
int hap_circuits_measure(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                         const uint32_t *order, size_t n, double *kl, struct hap_error *err);

/* The best circuit of a set by exact KL on prompts of `order` (all prompts): after
 * a quarter and a half of the first `on` the better half stays, after all of
 * them --finalists, which --finalists-on more decide between. To z ([n_edges]);
 * *kl is its mean over the prompts it was measured on. HAP_PRUNE_STOPPED when it is
 * to stop, with nothing changed but the count of runs. */
int hap_circuits_best(const struct hap_circuits *circuits, struct hap_pruning *pruning,
                      const uint32_t *order, size_t on, float *z, double *kl,
                      struct hap_error *err);

#endif
