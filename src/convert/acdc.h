/* ACDC's edges (Conmy et al. 2023, arXiv:2304.14997) as JSON: a list of the keys of
 * TLACDCCorrespondence.all_edges() for the edges of the circuit,
 *
 *      [["blocks.1.hook_q_input", [null, null, 0], "blocks.0.attn.hook_result", [null, null, 2]], …]
 *
 * child, its index, parent, its index. Edges within a head or an MLP are not listed: they are always
 * present. A graph with a split input is that of use_pos_embed=True. */
#ifndef HAP_CONVERT_ACDC_H
#define HAP_CONVERT_ACDC_H

#include <jansson.h>
#include <stdio.h>

#include "common/byte_input.h"
#include "common/program.h"
#include "common/stream.h"

/* Writes the first circuit of the stream; *n_edges: its length. HAP_EINPUT: there is none or a
 * second one, it distinguishes positions, or a z is neither 0 nor 1. */
int hap_acdc_write(struct hap_stream_in *in, FILE *out, size_t *n_edges, struct hap_error *err);
/* Converts a list to a circuit of the model. HAP_EUSAGE: no model. HAP_EINPUT: an item is no edge
 * of the model, or occurs twice. */
int hap_acdc_read(struct hap_byte_input *input, const struct hap_program *program,
                  const json_t *model, struct hap_stream_out *out, size_t *n_edges,
                  struct hap_error *err);

#endif
