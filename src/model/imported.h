/* What follows once all weights of a model are read. */
#ifndef HAP_MODEL_IMPORTED_H
#define HAP_MODEL_IMPORTED_H

#include "model/model.h"
#include "model/store.h"

/* Sets n_parameters, and the storage kind of most of them. */
void hap_count_parameters(struct hap_model *model, const struct hap_store *store);
/* Multiplies the last biases of attention and MLP by the residual scale: the engine scales what
 * they write before these biases. */
void hap_scale_biases(struct hap_model *model);

#endif
