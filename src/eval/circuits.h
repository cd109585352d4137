/* The ablation that a circuit was made for. */
#ifndef HAP_EVAL_CIRCUITS_H
#define HAP_EVAL_CIRCUITS_H

#include <jansson.h>

#include "forward/engine.h"

/* Whether pruning, or else any of the scores it was selected by, let cut edges carry
 * something else than `ablation`; *made is its name, of the header. Not under optimal
 * ablation: constants are learned for circuits of any kind. */
bool hap_circuit_made_otherwise(const json_t *header, enum hap_ablation ablation,
                                const char **made);

#endif
