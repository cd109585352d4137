/* What the edge lists of other programs have in common. */
#ifndef HAP_CONVERT_EXCHANGE_EDGES_H
#define HAP_CONVERT_EXCHANGE_EDGES_H

#include <jansson.h>

#include "graph/edges.h"

/* Reads the only section of the kind, or with kind NULL the only one of scores or a circuit. The rest
 * of the stream is read too. HAP_EINPUT: there is none or a second one, or it distinguishes positions.
 * On failure nothing is to be released. */
int hap_exchange_one(struct hap_stream_in *in, const char *kind, struct hap_edges *edges,
                     struct hap_error *err);

/* The graph of the model in a description (hap_model_describe), which has no parallel residual. HAP_EUSAGE: model is NULL; `form` is
 * the name of the file's form in the message. */
int hap_exchange_graph(struct hap_graph *graph, const json_t *model, bool split_input,
                       const char *form, struct hap_error *err);

#endif
