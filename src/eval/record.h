/* Records of a report that are made as JSON. */
#ifndef HAP_EVAL_RECORD_H
#define HAP_EVAL_RECORD_H

#include <jansson.h>

#include "common/stream.h"

/* Writes the record and releases it. NULL: memory was short. */
int hap_record_write(struct hap_stream_out *out, json_t *record, struct hap_error *err);

#endif
