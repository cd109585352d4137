/* Scores of nodes as streams. */
#ifndef HAP_ATTRIB_NODE_SCORES_H
#define HAP_ATTRIB_NODE_SCORES_H

#include <jansson.h>

#include "common/stream_out.h"
#include "graph/graph.h"

/* Writes a section of kind "node-scores": records {"node", "score"} in the order of the graph;
 * score: [hap_graph_n_nodes]. The header, of this kind, gets "graph". */
int hap_node_scores_write(struct hap_stream_out *out, json_t *header,
                          const struct hap_graph *graph, const double *score,
                          struct hap_error *err);

#endif
