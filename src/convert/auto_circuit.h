/* auto-circuit's PruneScores (Miller, Chughtai and Saunders 2024, arXiv:2407.08734) as JSON: for every
 * destination module the scores of its incoming edges, nested lists of its tensor's shape,
 *
 *      {"blocks.0.hook_q_input": [[…], …], "blocks.0.hook_mlp_in": […], "blocks.3.hook_resid_post": […]}
 *
 * [heads][sources] or [sources], with the sources in the order input, the heads and the MLP of each
 * layer, up to the last that the module reads. With separate_qkv=True and a joined input. */
#ifndef HAP_CONVERT_AUTO_CIRCUIT_H
#define HAP_CONVERT_AUTO_CIRCUIT_H

#include <jansson.h>
#include <stdio.h>

#include "common/byte_input.h"
#include "common/program.h"
#include "common/stream.h"

/* Writes the scores of the stream, or of a circuit the z. HAP_EINPUT: there is neither, or more than
 * one; the input is split; positions are distinguished. */
int hap_auto_circuit_write(struct hap_stream_in *in, FILE *out, size_t *n_edges,
                           struct hap_error *err);
/* Converts them to scores for the model. HAP_EUSAGE: no model. HAP_EINPUT: another shape or an unknown
 * module, a value that is no finite number. */
int hap_auto_circuit_read(struct hap_byte_input *input, const struct hap_program *program,
                          const json_t *model, struct hap_stream_out *out, size_t *n_edges,
                          struct hap_error *err);

#endif
