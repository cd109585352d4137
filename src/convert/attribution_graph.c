#include "convert/attribution_graph.h"

#include <stdlib.h>
#include <string.h>

#include "common/header.h"
#include "graph/edges.h"

struct attribution_graph {
        struct hap_edges circuit, scores;
        bool has_circuit, has_scores;
        json_t *nodes, *links;
};

/* --- the input --- */

static int take_section(struct hap_stream_in *in, const json_t *header,
                        struct attribution_graph *a, struct hap_error *err)
{
        const char *kind = json_string_value(json_object_get(header, "kind"));
        const bool scores = strcmp(kind, "scores") == 0;
        bool *has = scores ? &a->has_scores : &a->has_circuit;

        if (!scores && strcmp(kind, "circuit") != 0)
                return HAP_OK;
        if (*has)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': there is a second section of "
                                "kind '%s', but an attribution graph has only one",
                                hap_stream_in_name(in), kind);
        *has = true;
        return hap_edges_read(in, header, scores ? &a->scores : &a->circuit, err);
}

static int read_sections(struct hap_stream_in *in, struct attribution_graph *a,
                         struct hap_error *err)
{
        json_t *header;
        int rc;

        while ((rc = hap_stream_in_section(in, &header, err)) > 0)
                if ((rc = take_section(in, header, a, err)) < 0)
                        return rc;
        if (rc < 0)
                return rc;
        if (!a->has_circuit)
                return hap_stream_in_fail_missing(in, "circuit", err);
        if (a->has_scores && !hap_graph_equal(&a->scores.graph, &a->circuit.graph))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': the scores and the circuit have "
                                "different graphs", hap_stream_in_name(in));
        return HAP_OK;
}

/* --- nodes --- */

/* The column of a position: of an input, or of another node. */
static int column(const struct hap_graph *graph, int position, bool is_input)
{
        return graph->positions.n ? position : !is_input;
}

enum { ID = 64 };

/* A node of the file. `writer` -1: the logits. */
struct place {
        char layer[16], id[ID], label[HAP_NAME + 32];
        int feature, column;
        const char *type;
};

static struct place place_of(const struct hap_graph *graph, int writer, int position)
{
        struct place p = {.type = "logit", .label = "Output (p=1.000)"};
        struct hap_node node = {0};

        snprintf(p.layer, sizeof p.layer, "%d", graph->n_layers + 1);
        p.column = column(graph, position, writer >= 0 && writer < graph->n_inputs);
        if (writer >= 0) {
                node = hap_graph_writer(graph, writer);
                hap_graph_writer_name(graph, writer, p.label);
                snprintf(p.layer, sizeof p.layer, "%d", node.layer);
                p.type = node.expert >= 0 ? "expert"
                         : node.kind == HAP_WRITES_MLP ? "mlp" : "attention head";
                p.feature = node.kind == HAP_WRITES_MLP
                                    ? graph->n_heads + (node.expert > 0 ? node.expert : 0)
                                    : node.head;
        }
        if (writer >= 0 && writer < graph->n_inputs) {
                strcpy(p.layer, "E");
                p.type = "embedding";
                p.feature = writer;
        }
        snprintf(p.id, sizeof p.id, "%s_%d_%d", p.layer, p.feature, p.column);
        return p;
}

static void add_node(struct attribution_graph *a, int writer, int position)
{
        const struct place p = place_of(&a->circuit.graph, writer, position);

        json_array_append_new(a->nodes, json_pack(
                "{s:s, s:i, s:s, s:i, s:s, s:f, s:b, s:i, s:i, s:s+++, s:s, s:n, s:n}",
                "node_id", p.id, "feature", p.feature, "layer", p.layer, "ctx_idx", p.column,
                "feature_type", p.type, "token_prob", 0.0, "is_target_logit", writer < 0,
                "run_idx", 0, "reverse_ctx_idx", 0, "jsNodeId", p.layer, "_", p.id, "",
                "clerp", p.label, "influence", "activation"));
}

/* used[node], and logits[position]: those that an edge of the circuit leaves or enters. */
static void find_used(const struct hap_edges *circuit, bool *used, bool *logits)
{
        const struct hap_graph *graph = &circuit->graph;

        for (size_t e = 0; e < graph->n_edges; e++) {
                const struct hap_reachable to = hap_graph_edge_to(graph, e);

                if (!(circuit->z[e] > 0))
                        continue;
                used[hap_graph_edge_from(graph, e)] = true;
                if (to.n == 0)
                        logits[hap_graph_edge_position(graph, e)] = true;
                for (int i = 0; i < to.n && graph->n_positions == 1; i++)
                        used[to.first] = true;
        }
}

/* --- links --- */

/* Adds the weight of an edge to the link between two places. Links of one source and target have
 * consecutive edges only for different readers, so they are found by key. */
static void add_weight(json_t *weights, const char *source, const char *target, double weight)
{
        char key[2 * ID + 1];
        double before;

        snprintf(key, sizeof key, "%s %s", source, target);
        before = json_number_value(json_object_get(weights, key));
        json_object_set_new(weights, key, json_real(before + weight));
}

static void collect_links(const struct attribution_graph *a, const bool *used, json_t *weights)
{
        const struct hap_graph *graph = &a->circuit.graph;

        for (size_t e = 0; e < graph->n_edges; e++) {
                const struct hap_reachable to = hap_graph_edge_to(graph, e);
                const int position = hap_graph_edge_position(graph, e);
                const struct place from = place_of(graph, hap_graph_edge_writer(graph, e), position);
                const double weight = a->has_scores ? a->scores.score[e] : (double)a->circuit.z[e];

                if (!(a->circuit.z[e] > 0))
                        continue;
                if (to.n == 0)
                        add_weight(weights, from.id, place_of(graph, -1, position).id, weight);
                for (int i = 0; i < to.n; i++) {
                        const size_t node = to.first + (size_t)i * (size_t)graph->n_writers;
                        const struct place at = place_of(graph, (int)(node % (size_t)graph->n_writers),
                                                         (int)(node / (size_t)graph->n_writers));

                        if (used[node])
                                add_weight(weights, from.id, at.id, weight);
                }
        }
}

static void add_links(struct attribution_graph *a, json_t *weights)
{
        const char *key;
        json_t *weight;

        json_object_foreach(weights, key, weight) {
                const char *space = strchr(key, ' ');

                json_array_append_new(a->links, json_pack("{s:s%, s:s, s:O}", "source", key,
                                                          (size_t)(space - key), "target", space + 1,
                                                          "weight", weight));
        }
}

static int build(struct attribution_graph *a, struct hap_error *err)
{
        const struct hap_graph *graph = &a->circuit.graph;
        const size_t n = hap_graph_n_nodes(graph);
        bool *used = calloc(n, sizeof *used), logits[HAP_MAX_POSITIONS] = {false};
        json_t *weights = json_object();

        a->nodes = json_array();
        a->links = json_array();
        if (!used || !weights || !a->nodes || !a->links) {
                free(used);
                json_decref(weights);
                return hap_fail_memory(err, "an attribution graph");
        }
        find_used(&a->circuit, used, logits);
        collect_links(a, used, weights);
        for (size_t i = 0; i < n; i++)
                if (used[i])
                        add_node(a, (int)(i % (size_t)graph->n_writers),
                                 (int)(i / (size_t)graph->n_writers));
        for (int p = 0; p < graph->n_positions; p++)
                if (logits[p])
                        add_node(a, -1, p);
        add_links(a, weights);
        free(used);
        json_decref(weights);
        return HAP_OK;
}

/* --- the file --- */

static json_t *columns(const struct hap_graph *graph)
{
        json_t *list = json_array();

        for (int p = 0; p < graph->positions.n; p++)
                json_array_append_new(list, json_string(graph->positions.name[p]));
        if (graph->positions.n == 0) {
                json_array_append_new(list, json_string("input"));
                json_array_append_new(list, json_string("END"));
        }
        return list;
}

static const char *text_at(const json_t *header, const char *object, const char *key,
                           const char *usual)
{
        const char *text =
                json_string_value(json_object_get(json_object_get(header, object), key));

        return text ? text : usual;
}

static json_t *describe(const struct attribution_graph *a)
{
        const json_t *header = a->circuit.header;
        const char *task = text_at(header, "task", "name", "circuit");
        size_t length;
        const char *model = hap_header_model_name(header, &length);

        return json_pack("{s:{s:s, s:s%, s:[], s:o, s:s, s:{s:{s:s, s:s}}},"
                         " s:{s:[], s:[], s:s, s:s, s:s}, s:O, s:O}",
                         "metadata", "slug", task, "scan", model, length,
                         "transcoder_list", "prompt_tokens", columns(&a->circuit.graph), "prompt",
                         task, "info", "generator", "name", "hap", "version", HAP_VERSION,
                         "qParams", "pinnedIds", "supernodes", "linkType", "both", "clickedId", "",
                         "sg_pos", "", "nodes", a->nodes, "links", a->links);
}

int hap_attribution_graph_write(struct hap_stream_in *in, FILE *out, size_t *n_links,
                                struct hap_error *err)
{
        struct attribution_graph a = {0};
        json_t *file = NULL;
        int rc = read_sections(in, &a, err);

        if (rc == 0)
                rc = build(&a, err);
        if (rc == 0 && !(file = describe(&a)))
                rc = hap_fail_memory(err, "an attribution graph");
        if (rc == 0) {
                *n_links = json_array_size(a.links);
                json_dumpf(file, out, JSON_INDENT(1));
                putc('\n', out);
        }
        json_decref(file);
        json_decref(a.nodes);
        json_decref(a.links);
        hap_edges_release(&a.circuit);
        hap_edges_release(&a.scores);
        return rc;
}
