/* A GGUF file's metadata as settings. */
#ifndef HAP_MODEL_GGUF_SETTINGS_H
#define HAP_MODEL_GGUF_SETTINGS_H

#include <jansson.h>

#include "common/gguf.h"

/* All metadata "PREFIX.KEY" as {KEY: value}. New reference, NULL when memory is short. */
json_t *hap_gguf_settings(const struct hap_gguf *gguf, const char *prefix);

#endif
