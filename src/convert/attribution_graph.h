/* Attribution graphs in the JSON of circuit-tracer and Neuronpedia, whose viewers open them: the
 * schema is graph-schema.json of Neuronpedia, which the format of Anthropic's frontend follows.
 *
 * A head or an MLP is a node, with its name as label; its q, k and v are one. A graph without
 * positions has two columns, "input" and "END"; one with positions a column for each of them. The
 * viewer drops nodes of a prompt of a single token. */
#ifndef HAP_CONVERT_ATTRIBUTION_GRAPH_H
#define HAP_CONVERT_ATTRIBUTION_GRAPH_H

#include <stdio.h>

#include "common/stream.h"

/* Writes the circuit of the stream. A link's weight is the sum of the scores of its edges, if the
 * stream also contains scores over the same graph, else of their z. *n_links: the links.
 * HAP_EINPUT: there is no circuit, or a second one or second scores. */
int hap_attribution_graph_write(struct hap_stream_in *in, FILE *out, size_t *n_links,
                                struct hap_error *err);

#endif
