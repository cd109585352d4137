/* Positions by biases of attention that grow with the distance (ALiBi, Press et al. 2022). */
#ifndef HAP_MODEL_ALIBI_H
#define HAP_MODEL_ALIBI_H

#include "model/blueprint.h"

/* Sets the slopes of the heads: 2^(-8 h / n) for h = 1 … n, n the largest power of two that is
 * not above the number of heads; the others take every second slope of 2n heads (BLOOM, Falcon). */
void hap_alibi_set(struct hap_blueprint *blueprint);
/* MPT's: of the next power of two, first every second slope; `max` in place of 8. */
void hap_alibi_set_mpt(struct hap_blueprint *blueprint, double max);

#endif
