/* Classes of heads and MLPs, such as the S-inhibition heads of a reference circuit, and how many
 * of each a circuit keeps. */
#ifndef HAP_EVAL_CLASSES_H
#define HAP_EVAL_CLASSES_H

#include <jansson.h>

#include "common/stream.h"
#include "graph/edges.h"

/* A reference: a JSON file {"name", "source", "classes": {CLASS: [NODE, ...]}, "edges": [EDGE,
 * ...]}; "edges" may be missing. No class is empty. */
struct hap_classes {
        json_t *json;    /* owned */
        json_t *classes; /* borrowed from it */
        char *path;
};

/* HAP_EINPUT: not such a file. On failure nothing is to be released. */
int hap_classes_read(struct hap_classes *classes, const char *path, struct hap_error *err);
void hap_classes_release(struct hap_classes *classes);

/* Writes the records of one circuit, of which only edges with z > 0 count ([n_edges]):
 * {"circuit", "class", "metric": "nodes", "value", "of", "kept", "missing"} for each class, where
 * a node is kept if an edge into or out of it is, and, if the reference has edges,
 * {"circuit", "class": "CLASS -> CLASS", "metric": "edges", "value", "of"} for each pair of
 * classes with edges. HAP_EINPUT: the graph does not have a node or an edge of the reference. */
int hap_classes_write(const struct hap_classes *classes, const struct hap_graph *graph,
                      const float *z, const char *circuit, struct hap_stream_out *out,
                      struct hap_error *err);

#endif
