/* A reference circuit: the edges and nodes that others found, from a file.
 *
 * The file is a circuit stream, or JSON with "edges", which is a list of names or MIB's object
 * {NAME: {"in_graph": true}}, or with "nodes", a list of names of heads and MLPs, or with both:
 *
 *      {"name": "...", "source": "...", "edges": ["a0.h1->logits"], "nodes": ["a0.h1"]}
 *
 * Without "nodes", the nodes are the writers of the edges except the input. */
#ifndef HAP_EVAL_REFERENCE_H
#define HAP_EVAL_REFERENCE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/stream.h"
#include "eval/eval.h"
#include "graph/graph.h"

struct hap_reference {
        char *name;     /* "name" of the file, or its path */
        json_t *json;   /* the object, or the stream's header */
        bool *edge;     /* [n_edges], or NULL: the file has no edges */
        bool *node;     /* [n_writers]; the input is never one */
        size_t n_edges, n_nodes;
};

/* HAP_EINPUT: the file cannot be read, is for another graph, or names an edge or a node that the
 * graph does not have. On failure nothing is to be released. */
int hap_reference_read(struct hap_reference *reference, const char *path,
                       const struct hap_graph *graph, struct hap_error *err);
void hap_reference_release(struct hap_reference *reference);

/* Writes for every circuit that is reported
 * {"circuit", "metric": "precision" | "recall", "on": "edges" | "nodes", "reference", "value"}. */
int hap_reference_write(const struct hap_reference *reference, const struct hap_graph *graph,
                        const struct hap_evaluation *evaluation, struct hap_stream_out *out,
                        struct hap_error *err);

#endif
