#include "eval/reference.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/data_path.h"
#include "common/json_file.h"
#include "common/stream_in.h"
#include "graph/edges.h"
#include "graph/nearest_name.h"

#define FILE_BYTES ((size_t)1 << 28)

void hap_reference_release(struct hap_reference *reference)
{
        free(reference->name);
        free(reference->edge);
        free(reference->node);
        json_decref(reference->json);
        *reference = (struct hap_reference){0};
}

/* node[w] is set for every writer other than the input that an edge with z > 0 reads, at any
 * position. */
static void list_nodes(const struct hap_graph *graph, const float *z, bool *node)
{
        for (size_t e = 0; e < graph->n_edges; e++) {
                const int writer = hap_graph_edge_writer(graph, e);

                if (z[e] > 0 && writer >= graph->n_inputs)
                        node[writer] = true;
        }
}

static int need_edges(struct hap_reference *reference, const struct hap_graph *graph,
                      struct hap_error *err)
{
        reference->edge = calloc(graph->n_edges, sizeof *reference->edge);
        return reference->edge ? HAP_OK : hap_fail_memory(err, "a reference circuit");
}

/* --- from JSON --- */

static int take_edge(struct hap_reference *reference, const struct hap_graph *graph,
                     const char *name, struct hap_error *err)
{
        const int64_t edge = name ? hap_graph_find_edge(graph, name, strlen(name)) : -1;
        char hint[HAP_HINT];

        if (edge < 0)
                return hap_fail(err, HAP_EINPUT, "'%.64s' is not an edge of the graph%s",
                                name ? name : "an item of \"edges\"",
                                name ? hap_graph_hint(graph, HAP_EDGE_NAMES, name, strlen(name), hint)
                                     : "");
        reference->edge[edge] = true;
        return HAP_OK;
}

static int take_edges(struct hap_reference *reference, const struct hap_graph *graph,
                      json_t *edges, struct hap_error *err)
{
        const char *name;
        json_t *item;
        size_t i;
        int rc = need_edges(reference, graph, err);

        if (rc == 0 && !json_is_array(edges) && !json_is_object(edges))
                rc = hap_fail(err, HAP_EINPUT, "\"edges\" is neither a list nor an object");
        if (json_is_array(edges))
                json_array_foreach(edges, i, item)
                        rc = rc < 0 ? rc : take_edge(reference, graph, json_string_value(item), err);
        else
                json_object_foreach(edges, name, item)
                        if (rc == 0 && (json_is_true(json_object_get(item, "in_graph")) ||
                                        json_number_value(json_object_get(item, "in_graph")) == 1))
                                rc = take_edge(reference, graph, name, err);
        return rc;
}

static int take_nodes(struct hap_reference *reference, const struct hap_graph *graph,
                      const json_t *nodes, struct hap_error *err)
{
        char hint[HAP_HINT];
        const json_t *item;
        size_t i;

        json_array_foreach((json_t *)nodes, i, item) {
                const char *name = json_string_value(item);
                const int writer = name ? hap_graph_find_writer(graph, name, strlen(name)) : -1;

                if (writer < 0)
                        return hap_fail(err, HAP_EINPUT, "'%.64s' is not a head or an MLP of the "
                                        "graph%s", name ? name : "an item of \"nodes\"",
                                        name ? hap_graph_hint(graph, HAP_WRITER_NAMES, name,
                                                              strlen(name), hint) : "");
                if (writer >= graph->n_inputs)
                        reference->node[writer] = true;
        }
        return HAP_OK;
}

static int read_object(struct hap_reference *reference, const char *path,
                       const struct hap_graph *graph, struct hap_error *err)
{
        json_t *edges, *nodes;
        int rc = hap_json_file(&reference->json, path, FILE_BYTES, err);

        if (rc < 0)
                return rc;
        edges = json_object_get(reference->json, "edges");
        nodes = json_object_get(reference->json, "nodes");
        nodes = json_is_array(nodes) ? nodes : NULL; /* MIB's is an object */
        if (!edges && !nodes)
                rc = hap_fail(err, HAP_EINPUT, "it has neither \"edges\" nor a list \"nodes\"");
        if (rc == 0 && edges)
                rc = take_edges(reference, graph, edges, err);
        if (rc == 0 && nodes)
                rc = take_nodes(reference, graph, nodes, err);
        for (size_t e = 0; rc == 0 && !nodes && e < graph->n_edges; e++) {
                const int writer = hap_graph_edge_writer(graph, e);

                if (reference->edge[e] && writer >= graph->n_inputs)
                        reference->node[writer] = true;
        }
        return rc < 0 ? hap_fail_within(err, "cannot use '%s'", path) : HAP_OK;
}

/* --- from a stream --- */

static int take_circuit(struct hap_reference *reference, const struct hap_graph *graph,
                        const struct hap_edges *circuit, struct hap_error *err)
{
        if (!hap_graph_equal(graph, &circuit->graph))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': its graph is not that of the "
                                "examples", circuit->name);
        if (need_edges(reference, graph, err) < 0)
                return err->code;
        for (size_t e = 0; e < graph->n_edges; e++)
                reference->edge[e] = circuit->z[e] > 0;
        list_nodes(graph, circuit->z, reference->node);
        reference->json = json_deep_copy(circuit->header);
        return reference->json ? HAP_OK : hap_fail_memory(err, "a reference circuit");
}

static int read_stream(struct hap_reference *reference, const char *path,
                       const struct hap_graph *graph, struct hap_error *err)
{
        struct hap_stream_in *in;
        struct hap_edges circuit;
        int rc = hap_stream_in_open(&in, &path, 1, err);

        if (rc < 0)
                return rc;
        rc = hap_edges_next(in, "circuit", &circuit, err);
        if (rc == 0)
                rc = hap_stream_in_fail_missing(in, "circuit", err);
        if (rc > 0) {
                rc = take_circuit(reference, graph, &circuit, err);
                hap_edges_release(&circuit);
        }
        hap_stream_in_close(in);
        return rc;
}

static bool begins_with_brace(const char *path)
{
        FILE *file = fopen(path, "r");
        int first = file ? fgetc(file) : EOF;

        while (first != EOF && isspace(first))
                first = fgetc(file);
        if (file)
                fclose(file);
        return first == '{';
}

int hap_reference_read(struct hap_reference *reference, const char *path,
                       const struct hap_graph *graph, struct hap_error *err)
{
        char found[HAP_PATH];
        const char *name;
        int rc;

        path = hap_circuit_path(path, found);
        *reference = (struct hap_reference){
                .node = calloc((size_t)graph->n_writers, sizeof *reference->node)};
        if (!reference->node)
                return hap_fail_memory(err, "a reference circuit");
        rc = begins_with_brace(path) ? read_object(reference, path, graph, err)
                                     : read_stream(reference, path, graph, err);
        if (rc == 0) {
                name = json_string_value(json_object_get(reference->json, "name"));
                reference->name = strdup(name ? name : path);
                if (!reference->name)
                        rc = hap_fail_memory(err, "a reference circuit");
        }
        for (size_t e = 0; reference->edge && e < graph->n_edges; e++)
                reference->n_edges += reference->edge[e];
        for (int w = 0; w < graph->n_writers; w++)
                reference->n_nodes += reference->node[w];
        if (rc == 0 && (reference->edge ? reference->n_edges : reference->n_nodes) == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot use '%s': it names no %s", path,
                              reference->edge ? "edges" : "nodes");
        if (rc < 0)
                hap_reference_release(reference);
        return rc;
}

/* --- circuits against the reference --- */

static int write_share(const struct hap_reference *reference, const char *circuit,
                       const char *metric, const char *on, size_t part, size_t whole,
                       struct hap_stream_out *out, struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_record(out);

        msgpack_pack_map(packer, 5);
        hap_pack_text_entry(packer, "circuit", circuit);
        hap_pack_text_entry(packer, "metric", metric);
        hap_pack_text_entry(packer, "on", on);
        hap_pack_text_entry(packer, "reference", reference->name);
        hap_pack_number_entry(packer, "value", whole ? (double)part / (double)whole : 0);
        return hap_stream_out_end_record(out, err);
}

static int write_shares(const struct hap_reference *reference, const char *circuit, const char *on,
                        size_t both, size_t kept, size_t all, struct hap_stream_out *out,
                        struct hap_error *err)
{
        int rc = write_share(reference, circuit, "precision", on, both, kept, out, err);

        return rc < 0 ? rc : write_share(reference, circuit, "recall", on, both, all, out, err);
}

static int write_circuit(const struct hap_reference *reference, const struct hap_graph *graph,
                         const struct hap_evaluated *circuit, struct hap_stream_out *out,
                         struct hap_error *err)
{
        bool *node = calloc((size_t)graph->n_writers, sizeof *node);
        size_t both = 0, both_nodes = 0, kept_nodes = 0;
        int rc = HAP_OK;

        if (!node)
                return hap_fail_memory(err, "nodes");
        list_nodes(graph, circuit->z, node);
        for (size_t e = 0; reference->edge && e < graph->n_edges; e++)
                both += reference->edge[e] && circuit->z[e] > 0;
        for (int w = 0; w < graph->n_writers; w++) {
                kept_nodes += node[w];
                both_nodes += node[w] && reference->node[w];
        }
        free(node);
        if (reference->edge)
                rc = write_shares(reference, circuit->name, "edges", both, circuit->edges,
                                  reference->n_edges, out, err);
        return rc < 0 ? rc : write_shares(reference, circuit->name, "nodes", both_nodes,
                                          kept_nodes, reference->n_nodes, out, err);
}

int hap_reference_write(const struct hap_reference *reference, const struct hap_graph *graph,
                        const struct hap_evaluation *evaluation, struct hap_stream_out *out,
                        struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < evaluation->n_circuits && rc == 0; i++)
                if (!evaluation->circuits[i].quiet)
                        rc = write_circuit(reference, graph, evaluation->circuits + i, out, err);
        return rc;
}
