#include "graph/graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        MAX_EDGES = 1 << 27, /* the limit, because a stream of a few bytes may declare any number */
};

static bool is_size(int64_t value)
{
        return value >= 1 && value <= HAP_MAX_GRAPH_SIZE;
}

/* The number of writers before a layer. */
static int writers_before_layer(const struct hap_graph *g, int layer)
{
        return hap_graph_head_writer(g, layer, 0);
}

/* The number of writers that a reader may read. */
static int readable_writers(const struct hap_graph *g, int reader)
{
        int per_layer = hap_graph_layer_readers(g);
        int layer = reader / per_layer;

        if (reader == g->n_readers - 1)
                return g->n_writers;
        if (reader % per_layer >= 3 * g->n_heads && !g->parallel_residual)
                return writers_before_layer(g, layer) + g->n_heads;
        return writers_before_layer(g, layer);
}

static uint64_t count_edges(const struct hap_graph *g)
{
        uint64_t heads = (uint64_t)g->n_heads, mlps = (uint64_t)g->n_mlps;
        uint64_t n = (uint64_t)g->n_writers;

        for (int layer = 0; layer < g->n_layers; layer++) {
                uint64_t before = (uint64_t)writers_before_layer(g, layer);

                n += (3 * heads + mlps) * before;
                if (!g->parallel_residual)
                        n += mlps * heads;
        }
        return n;
}

static void number_edges(struct hap_graph *g)
{
        size_t edge = 0;

        for (int reader = 0; reader < g->n_readers; reader++) {
                int n = readable_writers(g, reader);

                g->edge_start[reader] = edge;
                for (int writer = 0; writer < n; writer++)
                        g->edge_reader[edge++] = reader;
        }
        g->edge_start[g->n_readers] = edge;
}

int hap_graph_init(struct hap_graph *graph, int n_layers, int n_heads,
                   bool parallel_residual, bool split_input,
                   struct hap_error *err)
{
        return hap_graph_init_experts(graph, n_layers, n_heads, 0, parallel_residual, split_input,
                                      err);
}

/* Of a layer, for messages. */
#define EXPERTS_TEXT 32
static const char *experts_text(int n_experts, char *text)
{
        *text = '\0';
        if (n_experts)
                snprintf(text, EXPERTS_TEXT, " and %d experts", n_experts);
        return text;
}

int hap_graph_init_experts(struct hap_graph *graph, int n_layers, int n_heads, int n_experts,
                           bool parallel_residual, bool split_input, struct hap_error *err)
{
        struct hap_graph g = {
                .n_layers = n_layers,
                .n_heads = n_heads,
                .n_experts = n_experts,
                .n_mlps = n_experts > 0 ? n_experts : 1,
                .parallel_residual = parallel_residual,
                .split_input = split_input,
                .n_inputs = split_input ? 2 : 1,
        };
        char experts[EXPERTS_TEXT];
        uint64_t edges;

        *graph = (struct hap_graph){0};
        if (!is_size(n_layers) || !is_size(n_heads) || (n_experts != 0 && !is_size(n_experts)))
                return hap_fail(err, HAP_EINPUT,
                                "cannot make a graph of %d layers and %d heads%s: "
                                "each must be from 1 to %d", n_layers, n_heads,
                                experts_text(n_experts, experts), HAP_MAX_GRAPH_SIZE);
        g.n_writers = writers_before_layer(&g, n_layers);
        g.n_readers = n_layers * hap_graph_layer_readers(&g) + 1;
        edges = count_edges(&g);
        if (edges > MAX_EDGES)
                return hap_fail(err, HAP_EINPUT,
                                "cannot make a graph of %d layers and %d heads%s: "
                                "its %" PRIu64 " edges are more than %d",
                                n_layers, n_heads, experts_text(n_experts, experts), edges,
                                MAX_EDGES);
        g.n_positions = 1;
        g.n_edges = g.edges_per_position = (size_t)edges;
        g.edge_start = malloc(((size_t)g.n_readers + 1) * sizeof *g.edge_start);
        g.edge_reader = malloc(g.n_edges * sizeof *g.edge_reader);
        if (!g.edge_start || !g.edge_reader) {
                hap_graph_release(&g);
                return hap_fail_memory(err, "the graph");
        }
        number_edges(&g);
        *graph = g;
        return HAP_OK;
}

int hap_graph_of_model(struct hap_graph *graph, const struct hap_config *config,
                       const struct hap_graph_form *form, struct hap_error *err)
{
        int rc;

        *graph = (struct hap_graph){0};
        if (form->experts && config->n_experts == 0)
                return hap_fail(err, HAP_EINPUT, "cannot make experts nodes of the graph: the "
                                "model has none");
        rc = hap_graph_init_experts(graph, config->n_layers, config->n_heads,
                                    form->experts ? config->n_experts : 0,
                                    config->parallel_residual, form->split_input, err);
        return rc < 0 ? rc : hap_graph_set_positions(graph, &form->positions, err);
}

void hap_graph_release(struct hap_graph *graph)
{
        free(graph->edge_start);
        free(graph->edge_reader);
        *graph = (struct hap_graph){0};
}

int hap_graph_copy(struct hap_graph *graph, const struct hap_graph *from,
                   struct hap_error *err)
{
        int rc = hap_graph_init_experts(graph, from->n_layers, from->n_heads, from->n_experts,
                                        from->parallel_residual, from->split_input, err);

        return rc < 0 ? rc : hap_graph_set_positions(graph, &from->positions, err);
}

void hap_graph_form_join(struct hap_graph_form *form, const struct hap_graph *graph)
{
        form->split_input |= graph->split_input;
        form->experts |= graph->n_experts > 0;
        if (form->positions.n == 0)
                form->positions = graph->positions;
}

int hap_graph_set_positions(struct hap_graph *graph, const struct hap_positions *positions,
                     struct hap_error *err)
{
        if (positions->n == 0)
                return HAP_OK;
        if (graph->edges_per_position * (size_t)positions->n > MAX_EDGES)
                return hap_fail(err, HAP_EINPUT,
                                "cannot distinguish %d positions: %zu edges at each are "
                                "more than %d", positions->n, graph->edges_per_position, MAX_EDGES);
        if (graph->n_writers * positions->n > HAP_MAX_NODES)
                return hap_fail(err, HAP_EINPUT,
                                "cannot distinguish %d positions: %d writers at each are "
                                "more than %d", positions->n, graph->n_writers, HAP_MAX_NODES);
        graph->positions = *positions;
        graph->n_positions = positions->n;
        graph->n_edges = graph->edges_per_position * (size_t)positions->n;
        return HAP_OK;
}

struct hap_graph hap_graph_without_positions(const struct hap_graph *graph)
{
        struct hap_graph without = *graph;

        without.positions = (struct hap_positions){0};
        without.n_positions = 1;
        without.n_edges = without.edges_per_position;
        return without;
}

bool hap_graph_equal(const struct hap_graph *a, const struct hap_graph *b)
{
        return a->n_layers == b->n_layers && a->n_heads == b->n_heads &&
               a->n_experts == b->n_experts && a->parallel_residual == b->parallel_residual &&
               a->split_input == b->split_input && hap_positions_equal(&a->positions, &b->positions);
}

/* The expert that the i-th node of a layer's MLP is. */
static int expert_of(const struct hap_graph *graph, int i)
{
        return graph->n_experts > 0 ? i : -1;
}

struct hap_node hap_graph_writer(const struct hap_graph *graph, int writer)
{
        int after_inputs = writer - graph->n_inputs;
        int layer = after_inputs / hap_graph_layer_writers(graph);
        int in_layer = after_inputs % hap_graph_layer_writers(graph);

        if (writer == 0)
                return (struct hap_node){HAP_WRITES_INPUT, -1, -1, -1};
        if (after_inputs < 0)
                return (struct hap_node){HAP_WRITES_POSITION, -1, -1, -1};
        if (in_layer >= graph->n_heads)
                return (struct hap_node){HAP_WRITES_MLP, layer, -1,
                                         expert_of(graph, in_layer - graph->n_heads)};
        return (struct hap_node){HAP_WRITES_HEAD, layer, in_layer, -1};
}

struct hap_node hap_graph_reader(const struct hap_graph *graph, int reader)
{
        int per_layer = hap_graph_layer_readers(graph);
        int layer = reader / per_layer, in_layer = reader % per_layer;

        if (reader == graph->n_readers - 1)
                return (struct hap_node){HAP_READS_LOGITS, -1, -1, -1};
        if (in_layer >= 3 * graph->n_heads)
                return (struct hap_node){HAP_READS_MLP, layer, -1,
                                         expert_of(graph, in_layer - 3 * graph->n_heads)};
        return (struct hap_node){HAP_READS_Q + in_layer / graph->n_heads, layer,
                                 in_layer % graph->n_heads, -1};
}

int hap_graph_reader_node(const struct hap_graph *graph, int reader)
{
        struct hap_node node = hap_graph_reader(graph, reader);

        if (node.kind == HAP_READS_LOGITS)
                return -1;
        if (node.kind == HAP_READS_MLP)
                return hap_graph_mlp_writer(graph, node.layer) + (node.expert > 0 ? node.expert : 0);
        return hap_graph_head_writer(graph, node.layer, node.head);
}

struct hap_reachable hap_graph_edge_to(const struct hap_graph *graph, size_t edge)
{
        const int reader = hap_graph_edge_reader(graph, edge);
        const int kind = hap_graph_reader(graph, reader).kind;
        const size_t reader_node = (size_t)hap_graph_reader_node(graph, reader);
        const size_t position = (size_t)hap_graph_edge_position(graph, edge);

        if (kind == HAP_READS_LOGITS)
                return (struct hap_reachable){0, 0};
        if (kind == HAP_READS_K || kind == HAP_READS_V)
                return (struct hap_reachable){reader_node, graph->n_positions};
        return (struct hap_reachable){position * (size_t)graph->n_writers + reader_node, 1};
}
