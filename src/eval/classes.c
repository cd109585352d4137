#include "eval/classes.h"

#include <stdlib.h>
#include <string.h>

#include "common/data_path.h"
#include "common/json_file.h"
#include "graph/nearest_name.h"

#define FILE_BYTES ((size_t)1 << 26)
#define LABEL 256

/* --- the file --- */

/* A class, or the edges, that are not a list would count as empty. */
static int check_lists(const struct hap_classes *classes, struct hap_error *err)
{
        const json_t *edges = json_object_get(classes->json, "edges");
        const char *name;
        json_t *nodes;

        if (!json_is_object(classes->classes) || json_object_size(classes->classes) == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it has no object \"classes\"",
                                classes->path);
        json_object_foreach(classes->classes, name, nodes)
                if (json_array_size(nodes) == 0)
                        return hap_fail(err, HAP_EINPUT, "cannot use '%s': class '%.64s' is not a list "
                                        "of nodes", classes->path, name);
        if (edges && !json_is_array(edges))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': \"edges\" is not a list",
                                classes->path);
        return HAP_OK;
}

int hap_classes_read(struct hap_classes *classes, const char *path, struct hap_error *err)
{
        char found[HAP_PATH];
        int rc;

        *classes = (struct hap_classes){0};
        path = hap_circuit_path(path, found);
        if ((rc = hap_json_file(&classes->json, path, FILE_BYTES, err)) < 0)
                return rc;
        classes->classes = json_object_get(classes->json, "classes");
        classes->path = strdup(path);
        rc = classes->path ? check_lists(classes, err) : hap_fail_memory(err, "classes");
        if (rc < 0)
                hap_classes_release(classes);
        return rc;
}

void hap_classes_release(struct hap_classes *classes)
{
        json_decref(classes->json);
        free(classes->path);
        *classes = (struct hap_classes){0};
}

/* --- nodes --- */

/* kept[writer]: an edge into it or out of it has z > 0. */
static void find_kept(const struct hap_graph *graph, const float *z, bool *kept)
{
        for (size_t e = 0; e < graph->n_edges; e++) {
                const int node = hap_graph_reader_node(graph, hap_graph_edge_reader(graph, e));

                if (!(z[e] > 0))
                        continue;
                kept[hap_graph_edge_writer(graph, e)] = true;
                if (node >= 0)
                        kept[node] = true;
        }
}

/* A writer of the class, with its number, or -1. */
static int writer_of(const struct hap_classes *classes, const struct hap_graph *graph,
                     const json_t *node, struct hap_error *err)
{
        const char *name = json_string_value(node);
        const int writer = name ? hap_graph_find_writer(graph, name, strlen(name)) : -1;
        char hint[HAP_HINT];

        if (writer < 0)
                hap_fail(err, HAP_EINPUT, "cannot use '%s': '%.64s' is not a node of the circuit's "
                         "graph%s", classes->path, name ? name : "a value that is no name",
                         name ? hap_graph_hint(graph, HAP_WRITER_NAMES, name, strlen(name), hint)
                              : "");
        return writer;
}

static void append(char **list, const char *name)
{
        char *longer;

        if (*list && asprintf(&longer, "%s%s%s", *list, **list ? " " : "", name) >= 0) {
                free(*list);
                *list = longer;
        }
}

static int write_class(const struct hap_classes *classes, const struct hap_graph *graph,
                       const bool *kept, const char *circuit, const char *name, json_t *nodes,
                       struct hap_stream_out *out, struct hap_error *err)
{
        char *lists[2] = {strdup(""), strdup("")}; /* missing, kept */
        size_t n = 0, i;
        json_t *node;
        int rc = lists[0] && lists[1] ? HAP_OK : hap_fail_memory(err, "classes");

        json_array_foreach(nodes, i, node) {
                const int writer = rc < 0 ? -1 : writer_of(classes, graph, node, err);

                if (writer < 0) {
                        rc = err->code;
                        break;
                }
                n += kept[writer];
                append(&lists[kept[writer]], json_string_value(node));
        }
        if (rc == 0) {
                msgpack_packer *packer = hap_stream_out_record(out);

                msgpack_pack_map(packer, 7);
                hap_pack_text_entry(packer, "circuit", circuit);
                hap_pack_text_entry(packer, "class", name);
                hap_pack_text_entry(packer, "metric", "nodes");
                hap_pack_count_entry(packer, "value", n);
                hap_pack_count_entry(packer, "of", json_array_size(nodes));
                hap_pack_text_entry(packer, "kept", lists[1]);
                hap_pack_text_entry(packer, "missing", lists[0]);
                rc = hap_stream_out_end_record(out, err);
        }
        free(lists[0]);
        free(lists[1]);
        return rc;
}

/* --- edges --- */

/* The class of a writer, or what kind of node it is. */
static const char *class_of(const struct hap_classes *classes, const struct hap_graph *graph,
                            int writer)
{
        const char *name;
        char text[HAP_NAME];
        json_t *nodes, *node;
        size_t i;

        if (writer < 0)
                return "logits";
        if (writer < graph->n_inputs)
                return "input";
        hap_graph_writer_name(graph, writer, text);
        json_object_foreach(classes->classes, name, nodes)
                json_array_foreach(nodes, i, node)
                        if (json_is_string(node) && strcmp(json_string_value(node), text) == 0)
                                return name;
        if (hap_graph_writer(graph, writer).expert >= 0)
                return "experts";
        return hap_graph_writer(graph, writer).kind == HAP_WRITES_MLP ? "MLPs" : "other heads";
}

/* Counts an edge in counts = {"CLASS -> CLASS": [kept, all]}. */
static int count_edge(const struct hap_classes *classes, const struct hap_graph *graph,
                      const float *z, const json_t *edge, json_t *counts, struct hap_error *err)
{
        const char *name = json_string_value(edge);
        const int64_t e = name ? hap_graph_find_edge_anywhere(graph, name, strlen(name)) : -1;
        char label[LABEL], hint[HAP_HINT];
        bool kept = false;
        json_t *count;

        if (e < 0)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': '%.64s' is not an edge of the "
                                "circuit's graph%s", classes->path,
                                name ? name : "a value of \"edges\"",
                                name ? hap_graph_hint(graph, HAP_EDGE_NAMES, name, strlen(name), hint)
                                     : "");
        for (int at = 0; at < graph->n_positions; at++)
                kept |= z[(size_t)at * graph->edges_per_position + (size_t)e] > 0;
        snprintf(label, sizeof label, "%.100s -> %.100s",
                 class_of(classes, graph, hap_graph_edge_writer(graph, (size_t)e)),
                 class_of(classes, graph,
                          hap_graph_reader_node(graph, hap_graph_edge_reader(graph, (size_t)e))));
        count = json_object_get(counts, label);
        count = json_pack("[I, I]", json_integer_value(json_array_get(count, 0)) + kept,
                          json_integer_value(json_array_get(count, 1)) + 1);
        return json_object_set_new(counts, label, count) < 0 ? hap_fail_memory(err, "classes")
                                                             : HAP_OK;
}

static int write_edges(const struct hap_classes *classes, const struct hap_graph *graph,
                       const float *z, const char *circuit, struct hap_stream_out *out,
                       struct hap_error *err)
{
        json_t *counts = json_object(), *edge, *count;
        const char *label;
        int rc = HAP_OK;
        size_t i;

        json_array_foreach(json_object_get(classes->json, "edges"), i, edge)
                if (rc == 0)
                        rc = count_edge(classes, graph, z, edge, counts, err);
        json_object_foreach(counts, label, count) {
                msgpack_packer *packer;

                if (rc < 0)
                        break;
                packer = hap_stream_out_record(out);
                msgpack_pack_map(packer, 5);
                hap_pack_text_entry(packer, "circuit", circuit);
                hap_pack_text_entry(packer, "class", label);
                hap_pack_text_entry(packer, "metric", "edges");
                hap_pack_count_entry(packer, "value",
                                     (size_t)json_integer_value(json_array_get(count, 0)));
                hap_pack_count_entry(packer, "of",
                                     (size_t)json_integer_value(json_array_get(count, 1)));
                rc = hap_stream_out_end_record(out, err);
        }
        json_decref(counts);
        return rc;
}

int hap_classes_write(const struct hap_classes *classes, const struct hap_graph *graph,
                      const float *z, const char *circuit, struct hap_stream_out *out,
                      struct hap_error *err)
{
        bool *kept = calloc((size_t)graph->n_writers, sizeof *kept);
        const char *name;
        json_t *nodes;
        int rc = kept ? HAP_OK : hap_fail_memory(err, "classes");

        if (rc == 0)
                find_kept(graph, z, kept);
        json_object_foreach(classes->classes, name, nodes)
                if (rc == 0)
                        rc = write_class(classes, graph, kept, circuit, name, nodes, out, err);
        if (rc == 0)
                rc = write_edges(classes, graph, z, circuit, out, err);
        free(kept);
        return rc;
}
