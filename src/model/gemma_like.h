/* What Gemma 2 and the text model of Gemma 3 share: a scaled embedding, norms that
 * store w for 1 + w, post-norms, caps, layers with a window. */
#ifndef HAP_MODEL_GEMMA_LIKE_H
#define HAP_MODEL_GEMMA_LIKE_H

#include "model/blueprint.h"

/* Everything but the windows and the rotary frequencies. The caps are the defaults of
 * absent keys (0: none). */
void hap_gemma_sizes(struct hap_blueprint *blueprint, double attention_cap, double logit_cap);

/* All of the text model of Gemma 3, from its config.json (family_gemma3_text.c). */
void hap_gemma3_read(struct hap_blueprint *blueprint);

#endif
