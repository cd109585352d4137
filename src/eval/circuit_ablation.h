/* The ablation that a circuit was made for. */
#ifndef HAP_EVAL_CIRCUIT_ABLATION_H
#define HAP_EVAL_CIRCUIT_ABLATION_H

#include <jansson.h>
#include <stdbool.h>

#include "forward/ablation.h"

/* Whether the circuit was pruned, or any of its scores computed, under another ablation;
 * *made is the name of that in the header. Always false for optimal ablation, whose constants
 * are learned for circuits of any origin. */
bool hap_circuit_made_otherwise(const json_t *header, const struct hap_ablation *ablation,
                                const char **made);

#endif
