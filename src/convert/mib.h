/* The exchange files of the MIB benchmark. */
#ifndef HAP_CONVERT_MIB_H
#define HAP_CONVERT_MIB_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "common/byte_input.h"
#include "common/program.h"
#include "common/stream.h"

/* Writes the scores and the circuit of the stream as one MIB object with *n_edges edges. */
int hap_mib_write(struct hap_stream_in *in, FILE *out, size_t *n_edges, struct hap_error *err);
/* Converts one MIB object to scores, if any edge has a score, and to a circuit, if some
 * but not all edges are in the graph. `model` (may be NULL) goes into the headers and must
 * have the object's sizes. */
int hap_mib_read(struct hap_byte_input *input, const struct hap_program *program,
                 const json_t *model, struct hap_stream_out *stream, size_t *n_edges,
                 struct hap_error *err);

#endif
