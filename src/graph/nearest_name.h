/* "Did you mean" for names of edges and nodes. */
#ifndef HAP_GRAPH_NEAREST_NAME_H
#define HAP_GRAPH_NEAREST_NAME_H

#include "graph/graph.h"

#define HAP_HINT (HAP_NAME + HAP_POSITION_NAME + 24)

enum hap_named { HAP_EDGE_NAMES = 1, HAP_WRITER_NAMES = 2, HAP_READER_NAMES = 4 };

/* "; did you mean 'a0.h0->a5.h1<q>'?" with the name of that kind (or'ed) that is nearest to the
 * typed one, in `text`, which is returned; "" if none is near. */
const char *hap_graph_hint(const struct hap_graph *graph, unsigned kinds, const char *typed,
                           size_t length, char text[HAP_HINT]);

#endif
