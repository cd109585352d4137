/* The weights of a mixture of experts. */
#ifndef HAP_MODEL_IMPORT_EXPERTS_H
#define HAP_MODEL_IMPORT_EXPERTS_H

#include "model/import_tensor.h"

/* The router and the experts of a layer. */
int hap_import_experts(struct hap_weight_import *im, int layer, struct hap_layer *to);

#endif
