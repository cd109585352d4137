/* The fingerprint of a model. */
#ifndef HAP_MODEL_FINGERPRINT_H
#define HAP_MODEL_FINGERPRINT_H

#include "model/model.h"
#include "model/store.h"

/* Sets model->fingerprint: xxh3-64 over the description and the tensors in use. */
int hap_fingerprint(struct hap_model *model, const struct hap_store *store,
                    struct hap_error *err);

#endif
