/* What OLMo 2 and 3 share. */
#ifndef HAP_MODEL_OLMO_LIKE_H
#define HAP_MODEL_OLMO_LIKE_H

#include "model/blueprint.h"

/* Names of the norms, biases, and the usual epsilon. */
void hap_olmo_layout(struct hap_blueprint *blueprint);

#endif
