/* The model that a stream needs. */
#ifndef HAP_MODEL_MODEL_OPEN_H
#define HAP_MODEL_MODEL_OPEN_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"
#include "model/model.h"

/* Loads the model at `path` (option -m), or with NULL that of the environment variable HAP_MODEL,
 * or without it the one that the header of stream `name` names, and checks that the header was made
 * with this model. HAP_EUSAGE: none of the three names a model. */
int hap_model_open_for(struct hap_model *model, const char *path, const json_t *header,
                       const char *name, const struct hap_weights_want *want,
                       struct hap_error *err);

/* The same without its weights, which is quick and takes no memory: only checks
 * that the description can be read. */
int hap_model_open_config_for(struct hap_model *model, const char *path, const json_t *header,
                              const char *name, const struct hap_weights_want *want,
                              struct hap_error *err);

/* Whether neither HAP_MODEL nor the header names a model. */
bool hap_model_is_unknown(const json_t *header);

/* The path of the model that a header names, or NULL. */
const char *hap_header_model(const json_t *header);

#endif
