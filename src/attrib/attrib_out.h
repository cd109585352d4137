/* What hap-attrib writes. */
#ifndef HAP_ATTRIB_ATTRIB_OUT_H
#define HAP_ATTRIB_ATTRIB_OUT_H

#include <jansson.h>

#include "attrib/attrib.h"
#include "common/stream_out.h"

/* The kind of the section: "scores" or "node-scores". */
const char *hap_attrib_kind(const struct hap_attrib_options *options);

/* The header's "method": the name, and what of metric, ablation, precision, steps, seed and open
 * share the method depends on. New reference, or NULL. */
json_t *hap_attrib_describe(const struct hap_attrib_options *options);

/* Writes the section. The header has "kind" and "method". */
int hap_attrib_write(const struct hap_attrib *attrib, struct hap_stream_out *out, json_t *header,
                     struct hap_error *err);

#endif
