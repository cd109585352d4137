/* The model that a stream needs. */
#ifndef HAP_MODEL_MODEL_OPEN_H
#define HAP_MODEL_MODEL_OPEN_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"
#include "model/model.h"

/* Loads the model at `path` (option -m), or with NULL the one that the header of stream `name`
 * was made with, or the one that $HAP_MODEL names if the header names none, and checks that the header was made with this model. HAP_EUSAGE: neither is
 * given. */
int hap_model_open_for(struct hap_model *model, const char *path, const json_t *header,
                       const char *name, const struct hap_weights_want *want,
                       struct hap_error *err);

/* The same without its weights, which is quick and takes no memory: only checks
 * that the description can be read. */
int hap_model_open_config_for(struct hap_model *model, const char *path, const json_t *header,
                              const char *name, const struct hap_weights_want *want,
                       struct hap_error *err);

/* The path of the model that a header names, or NULL. */
const char *hap_header_model(const json_t *header);

#endif
