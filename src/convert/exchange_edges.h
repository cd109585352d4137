/* What the edge lists of other programs have in common. */
#ifndef HAP_CONVERT_EXCHANGE_EDGES_H
#define HAP_CONVERT_EXCHANGE_EDGES_H

#include <jansson.h>

#include "common/program.h"
#include "graph/edges.h"

/* Reads the only section of the kind, or with kind NULL the only one of scores or a circuit. The
 * rest of the stream is read too. HAP_EINPUT: there is none or a second one, or it distinguishes
 * positions. On failure nothing is to be released. */
int hap_exchange_one(struct hap_stream_in *in, const char *kind, struct hap_edges *edges,
                     struct hap_error *err);

/* HAP_EINPUT: a z of the circuit is between 0 and 1, for files that list edges without values. */
int hap_exchange_check_binary(const struct hap_edges *circuit, struct hap_error *err);

/* The graph of the model in a description (hap_model_describe), which has no parallel residual.
 * HAP_EUSAGE: model is NULL; `form` is the name of the file's form in the message. */
int hap_exchange_graph(struct hap_graph *graph, const json_t *model, bool split_input,
                       const char *form, struct hap_error *err);

/* Writes a section of kind "circuit" with the model's description in its header; z: [n_edges]. */
int hap_exchange_write_circuit(const struct hap_graph *graph, const float *z,
                               const struct hap_program *program, const json_t *model,
                               struct hap_stream_out *out, struct hap_error *err);

#endif
