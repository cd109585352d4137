/* From stored tensors to a model's weights. */
#ifndef HAP_MODEL_IMPORT_H
#define HAP_MODEL_IMPORT_H

#include "model/blueprint.h"
#include "model/store.h"

/* Finds, checks and converts all weights that config and layout name, into the
 * model's arena; sets n_parameters, dtype and the tensors' `used`. */
int hap_import(struct hap_model *model, const struct hap_weight_layout *layout,
               struct hap_store *store, bool keep, struct hap_error *err);

#endif
