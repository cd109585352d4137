/* The exchange files of the MIB benchmark. */
#ifndef HAP_CONVERT_MIB_H
#define HAP_CONVERT_MIB_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "common/byte_input.h"
#include "common/program.h"
#include "common/stream.h"

/* The next scores and circuit of the stream as one MIB object; *n_edges says
 * how many edges it has. */
int hap_mib_write(struct hap_stream_in *in, FILE *out, size_t *n_edges, struct hap_error *err);
/* One MIB object to a section of scores, when any edge has one, and one of
 * kind circuit, when some but not all edges are in the graph. `model` may be
 * NULL; else it is what the headers say, and must have the object's sizes. */
int hap_mib_read(struct hap_byte_input *input, const struct hap_program *program,
                 const json_t *model, struct hap_stream_out *stream, size_t *n_edges,
                 struct hap_error *err);

#endif
