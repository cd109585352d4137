/* From the trained parameters of recipe edge-pruning to a circuit. */
#ifndef HAP_PRUNE_THRESHOLD_H
#define HAP_PRUNE_THRESHOLD_H

#include "prune/trainer.h"

/* Sets p->result: the circuit by the original's threshold, or with --exact-sparsity the
 * circuit of exactly the wanted size. If it was asked for, p->threshold_circuit is the circuit
 * by the original's threshold in any case. HAP_EINPUT: the result is empty. */
int hap_trainer_cut(struct hap_trainer *trainer, struct hap_error *err);

/* Sets p->result to the wanted number of edges, those with the highest value ([n_edges]).
 * z ([n_edges]): scratch. */
int hap_prune_cut_to_size(struct hap_pruning *p, const double *value, float *z,
                          struct hap_error *err);

#endif
