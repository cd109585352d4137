/* The model that a later section names. */
#ifndef HAP_DATA_NAMED_MODEL_H
#define HAP_DATA_NAMED_MODEL_H

#include "common/data_path.h"
#include "common/stream_in.h"

/* A task that comes first does not name its model, but a circuit or scores after it may. Looks at
 * the first header of each of the input's files, without reading on; standard input is not looked
 * at. Returns `path`, or NULL if none names a model. */
const char *hap_named_model(const struct hap_stream_in *in, char path[HAP_PATH]);

#endif
