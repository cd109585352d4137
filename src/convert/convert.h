/* Streams as JSON lines and as the exchange files of the MIB benchmark. */
#ifndef HAP_CONVERT_CONVERT_H
#define HAP_CONVERT_CONVERT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/byte_input.h"
#include "common/program.h"
#include "common/stream.h"

/* One whole msgpack value as JSON. What JSON has no word for is an object of
 * one key that begins with "$" (hap-convert(1)); reading it back gives the
 * same bytes. `bytes` must be known to be sound: a reader's raw record. */
void hap_json_print(const void *bytes, FILE *out);

/* Packs what hap_json_print wrote. HAP_EINPUT: why it cannot be. */
int hap_json_pack(msgpack_packer *packer, const json_t *value, struct hap_error *err);

/* JSON lines to sections: returns how many records, or a negative code. */
int64_t hap_json_read(struct hap_byte_input *input, struct hap_stream_out *out, struct hap_error *err);

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
