/* A model as the headers of streams describe it. */
#ifndef HAP_MODEL_DESCRIPTION_H
#define HAP_MODEL_DESCRIPTION_H

#include <jansson.h>

#include "model/model.h"

/* The header's "model": {"path", "fingerprint" (16 hex digits), "family",
 * "layers", "heads", "kv_heads", "d_model", "d_head", "d_mlp", "vocabulary"}.
 * Returns a new reference, or NULL when memory is short. */
json_t *hap_model_describe(const struct hap_model *model);

/* HAP_EINPUT unless the header of stream `name` was made with this model. Accepts
 * a header without a model, and every header while the model has no weights,
 * because only a model with weights has a fingerprint. */
int hap_model_check(const struct hap_model *model, const json_t *header,
                    const char *name, struct hap_error *err);

#endif
