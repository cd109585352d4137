/* A graph as the headers of streams describe it. */
#ifndef HAP_GRAPH_GRAPH_JSON_H
#define HAP_GRAPH_GRAPH_JSON_H

#include <jansson.h>

#include "graph/graph.h"

/* The header's "graph": {"layers", "heads", "parallel", "input": "joined"|"split",
 * "edges", "writers", "readers"}. A graph with positions adds "positions", their
 * names, and "answers", the names of those at which the logits are read. A graph with experts
 * adds "experts", their number in a layer.
 * Returns a new reference, or NULL when memory is short. */
json_t *hap_graph_describe(const struct hap_graph *graph);

/* Initialises the graph from its description; hap_graph_release frees it.
 * HAP_EINPUT: a key is missing or has a wrong type, or a count contradicts the
 * sizes. "edges", "writers" and "readers" may be missing. */
int hap_graph_of_json(struct hap_graph *graph, const json_t *description,
                      struct hap_error *err);

/* Sets the header's "graph". Sets "requires" to the features of the graph that a program must
 * know, "experts" and "positions", and removes it if there are none. Returns a negative number
 * when memory is short. */
int hap_graph_into(json_t *header, const struct hap_graph *graph);

/* The form of the graph in the header of stream `name`; a joined input without
 * positions when the header has no graph. HAP_EINPUT: its positions are wrong. */
int hap_header_form(const json_t *header, const char *name, struct hap_graph_form *form,
                    struct hap_error *err);

#endif
