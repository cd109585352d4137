/* Checks that a section was made for the model and the graph of the examples. */
#ifndef HAP_DATA_SAME_GRAPH_H
#define HAP_DATA_SAME_GRAPH_H

#include <jansson.h>

#include "forward/engine.h"

/* HAP_EINPUT unless the section with this header and graph, in file `name`, was made for the
 * engine's model and graph; the message says what differs. `examples_name`: the file of the
 * examples. */
int hap_check_same_graph(const struct hap_engine *engine, const char *examples_name,
                         const json_t *header, const struct hap_graph *graph, const char *name,
                         struct hap_error *err);

#endif
