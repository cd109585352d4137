/* Edge-Pruning's edges.json (Bhaskar et al. 2024, arXiv:2406.16778): a list of pairs of a writer
 * and a reader, [["tok_embeds", "a0.h0.q"], ["m2", "a3.h1.k"], ["a3.h3", "resid_post"]]. Token
 * and position embeddings are two writers, as in a model with embedding nodes. */
#ifndef HAP_CONVERT_EDGE_PRUNING_LIST_H
#define HAP_CONVERT_EDGE_PRUNING_LIST_H

#include <jansson.h>
#include <stdio.h>

#include "common/byte_input.h"
#include "common/program.h"
#include "common/stream.h"

/* Writes the first circuit of the stream as a list; *n_edges: its length. HAP_EINPUT: there is
 * none, its input is not split, it distinguishes positions, or a z is neither 0 nor 1. */
int hap_edge_pruning_write(struct hap_stream_in *in, FILE *out, size_t *n_edges,
                           struct hap_error *err);
/* Converts a list to a circuit of the model, which the description gives. HAP_EINPUT: an item is
 * no edge of the model or occurs twice, or no edge begins at an embedding. */
int hap_edge_pruning_read(struct hap_byte_input *input, const struct hap_program *program,
                          const json_t *model, struct hap_stream_out *out, size_t *n_edges,
                          struct hap_error *err);

#endif
