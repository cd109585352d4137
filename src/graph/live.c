/* Which nodes and edges of a circuit can reach the logits.
 *
 * The graph has no cycles, so two passes reach the fixed point of "drop a node without an edge in
 * or out": a node is live when a path of kept edges leads to it from an input, and another from
 * it to the logits. In a graph with positions a node is a writer at a position, and the edges
 * into a head's keys and values lead to the head at every position. */
#include <string.h>

#include "graph/graph.h"

/* The edges of one reader at one position. */
struct edges_in {
        size_t first, from; /* edge and node of writer 0 */
        int n;
};

static struct edges_in edges_in(const struct hap_graph *graph, int reader, int position)
{
        const size_t edge =
                (size_t)position * graph->edges_per_position + graph->edge_start[reader];

        return (struct edges_in){edge, (size_t)position * (size_t)graph->n_writers,
                             hap_graph_in(graph, reader)};
}

/* Readers are numbered in the order of computation, so the writers of a reader are known
 * before it. */
void hap_graph_reached(const struct hap_graph *graph, const float *z, bool *reached)
{
        const size_t n_writers = (size_t)graph->n_writers;

        for (size_t node = 0; node < hap_graph_n_nodes(graph); node++)
                reached[node] = node % n_writers < (size_t)graph->n_inputs;
        for (int r = 0; r < graph->n_readers - 1; r++)
                for (int p = 0; p < graph->n_positions; p++) {
                        const struct edges_in in = edges_in(graph, r, p);
                        const struct hap_reachable to = hap_graph_edge_to(graph, in.first);
                        bool any = false;

                        for (int w = 0; w < in.n && !any; w++)
                                /* NOLINTNEXTLINE(clang-analyzer-core.*): set above, as far as w */
                                any = z[in.first + (size_t)w] > 0 && reached[in.from + (size_t)w];
                        for (int i = 0; any && i < to.n; i++)
                                reached[to.first + (size_t)i * n_writers] = true;
                }
}

bool hap_graph_edge_leads(const struct hap_graph *graph, size_t edge, const bool *nodes)
{
        const struct hap_reachable to = hap_graph_edge_to(graph, edge);
        bool any = to.n == 0 && hap_graph_is_read(graph, hap_graph_edge_position(graph, edge));

        for (int i = 0; i < to.n && !any; i++)
                any = nodes[to.first + (size_t)i * (size_t)graph->n_writers];
        return any;
}

/* useful[node]: a path of kept edges leads from the node to the logits. */
static void mark_useful(const struct hap_graph *graph, const float *z, bool *useful)
{
        memset(useful, 0, hap_graph_n_nodes(graph) * sizeof *useful);
        for (int r = graph->n_readers - 1; r >= 0; r--)
                for (int p = 0; p < graph->n_positions; p++) {
                        const struct edges_in in = edges_in(graph, r, p);

                        if (!hap_graph_edge_leads(graph, in.first, useful))
                                continue;
                        for (int w = 0; w < in.n; w++)
                                useful[in.from + (size_t)w] |= z[in.first + (size_t)w] > 0;
                }
}

/* Arrays of nodes on the stack have the graph's size, which is mostly far below HAP_MAX_NODES. */
void hap_graph_live(const struct hap_graph *graph, const float *z, bool *live)
{
        bool useful[hap_graph_n_nodes(graph)];

        hap_graph_reached(graph, z, live);
        mark_useful(graph, z, useful);
        for (size_t node = 0; node < hap_graph_n_nodes(graph); node++)
                live[node] = live[node] && useful[node];
}

size_t hap_graph_count_kept(const struct hap_graph *graph, const float *z)
{
        size_t n = 0;

        for (size_t e = 0; e < graph->n_edges; e++)
                n += z[e] > 0;
        return n;
}

/* Drops the edges from nodes that are not marked, or those into readers that lead to none. */
static size_t drop_edges(const struct hap_graph *graph, const bool *nodes, bool from, float *z)
{
        size_t dropped = 0;

        for (int r = 0; r < graph->n_readers; r++)
                for (int p = 0; p < graph->n_positions; p++) {
                        const struct edges_in in = edges_in(graph, r, p);
                        const bool leads = from || hap_graph_edge_leads(graph, in.first, nodes);

                        for (int w = 0; w < in.n; w++) {
                                float *edge = z + in.first + w;

                                /* NOLINTNEXTLINE(clang-analyzer-core.*): each node is set */
                                if (from ? nodes[in.from + (size_t)w] : leads)
                                        continue;
                                dropped += *edge > 0;
                                *edge = 0;
                        }
                }
        return dropped;
}

size_t hap_graph_drop_dead(const struct hap_graph *graph, float *z)
{
        bool nodes[hap_graph_n_nodes(graph)];
        size_t dropped;

        hap_graph_reached(graph, z, nodes);
        dropped = drop_edges(graph, nodes, true, z);
        mark_useful(graph, z, nodes);
        return dropped + drop_edges(graph, nodes, false, z);
}
