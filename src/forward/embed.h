/* The token embedding as a writer's output. */
#ifndef HAP_FORWARD_EMBED_H
#define HAP_FORWARD_EMBED_H

#include "model/model.h"

/* out = scale · E[token], normalised in a model that does so. out: [d_model]. */
void hap_embed(const struct hap_model *model, int32_t token, float *out);

#endif
