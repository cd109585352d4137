/* What Gemma 2 and the text model of Gemma 3 share: a scaled embedding, norms that
 * store w for 1 + w, post-norms, caps, layers with a window. */
#ifndef HAP_MODEL_GEMMA_LIKE_H
#define HAP_MODEL_GEMMA_LIKE_H

#include "model/blueprint.h"

/* Everything but the windows, the rotary frequencies and the cap of attention. logit_cap: the
 * default of an absent key (0: none). */
void hap_gemma_sizes(struct hap_blueprint *blueprint, double logit_cap);
/* A cap, 0 for none. The key may be null: none. */
float hap_gemma_cap(struct hap_settings *settings, const char *key, double fallback);

/* All of the text model of Gemma 3, from its config.json (family_gemma3_text.c). */
void hap_gemma3_read(struct hap_blueprint *blueprint);

#endif
