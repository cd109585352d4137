/* From the trained parameters of recipe edge-pruning to a circuit. */
#ifndef HAP_PRUNE_THRESHOLD_H
#define HAP_PRUNE_THRESHOLD_H

#include "prune/trainer.h"

/* Sets p->result: the circuit by the original's threshold, or with --exact-sparsity the
 * circuit of exactly the wanted size. In the latter case p->threshold_circuit gets the first, if it was
 * asked for. HAP_EINPUT: the circuit is empty. */
int hap_trainer_cut(struct hap_trainer *trainer, struct hap_error *err);

#endif
