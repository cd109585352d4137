/* The graph of a transformer: writers, readers and the edges between them.
 *
 * Names are those of EAP-IG and of the MIB benchmark's exchange files: writers
 * `input`, `a5.h1`, `m3` (or `tok` and `pos` for a split input), readers
 * `a5.h1<q>`, `a5.h1<k>`, `a5.h1<v>`, `m3`, `logits`, edges
 * `a0.h0->a5.h1<q>`.
 *
 * In a graph with experts the MLP of a layer is not one node: each of its experts is, `m3.e5`, as
 * a writer and as a reader. An expert reads what the MLP would read.
 *
 * Writers are numbered in the order in which they are written: input (tok,
 * pos), then for each layer its heads and its MLP, or its experts. Readers: for each layer the
 * q of every head, the k, the v, then the MLP or the experts; last `logits`. The writers that a reader
 * may read are always a prefix of all writers, so the edges of a reader have consecutive
 * numbers: edge = edge_start[reader] + writer.
 *
 * A graph may distinguish named positions of prompts. Then every edge exists once for each
 * position, `a0.h0->a5.h1<q>@S2`, and is used at that position only:
 * edge = position * edges_per_position + edge_start[reader] + writer. */
#ifndef HAP_GRAPH_GRAPH_H
#define HAP_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "graph/positions.h"
#include "model/model.h"

enum hap_reader_kind { HAP_READS_Q, HAP_READS_K, HAP_READS_V, HAP_READS_MLP, HAP_READS_LOGITS };
enum hap_writer_kind { HAP_WRITES_INPUT, HAP_WRITES_POSITION, HAP_WRITES_HEAD, HAP_WRITES_MLP };

/* The properties of a graph that do not follow from the model. They are chosen for a
 * cache; headers record them. */
struct hap_graph_form {
        bool split_input;
        bool experts; /* each expert of a layer is a node */
        struct hap_positions positions;
};

/* A graph without positions cannot have more nodes: it would have more than 2^27 edges. */
enum { HAP_MAX_NODES = 1 << 16 };

struct hap_graph {
        int n_layers, n_heads;
        int n_experts;    /* of a layer, each a node; 0: the MLP is one node */
        int n_mlps;       /* nodes of a layer's MLP: n_experts, or 1 */
        bool parallel_residual;
        bool split_input; /* tok and pos are two writers */
        int n_inputs;     /* 1, or 2 when split */
        int n_writers, n_readers;
        struct hap_positions positions;
        int n_positions;         /* 1 when positions are not distinguished */
        size_t edges_per_position; /* at one position */
        size_t n_edges;       /* n_positions · edges_per_position */
        size_t *edge_start;   /* [n_readers + 1] */
        int *edge_reader;     /* [edges_per_position] */
};

/* The largest number of layers, and of heads in a layer. */
enum { HAP_MAX_GRAPH_SIZE = 4096 };

/* n_layers and n_heads from 1 to HAP_MAX_GRAPH_SIZE, at most 2^27 edges. */
int hap_graph_init(struct hap_graph *graph, int n_layers, int n_heads,
                   bool parallel_residual, bool split_input,
                   struct hap_error *err);
/* The same with experts as nodes; n_experts from 0 (none) to HAP_MAX_GRAPH_SIZE. */
int hap_graph_init_experts(struct hap_graph *graph, int n_layers, int n_heads, int n_experts,
                           bool parallel_residual, bool split_input, struct hap_error *err);
/* The graph of a model. HAP_EINPUT: it is too large, or form->experts and the model has none. */
int hap_graph_of_model(struct hap_graph *graph, const struct hap_config *config,
                       const struct hap_graph_form *form, struct hap_error *err);
void hap_graph_release(struct hap_graph *graph);
int hap_graph_copy(struct hap_graph *graph, const struct hap_graph *from,
                   struct hap_error *err);
/* Merges a graph's form into *form: the input is split, and experts are nodes, if it is so in
 * either; the graph's positions are used when *form has none. */
void hap_graph_form_join(struct hap_graph_form *form, const struct hap_graph *graph);
/* Distinguishes positions in a graph that has none; positions->n = 0: no change.
 * HAP_EINPUT: more than 2^27 edges or HAP_MAX_NODES nodes. */
int hap_graph_set_positions(struct hap_graph *graph, const struct hap_positions *positions,
                     struct hap_error *err);
/* A view of the graph without positions; it owns nothing. */
struct hap_graph hap_graph_without_positions(const struct hap_graph *graph);

bool hap_graph_equal(const struct hap_graph *a, const struct hap_graph *b);

/* The writers that a reader may read: 0 … n-1. */
static inline int hap_graph_in(const struct hap_graph *graph, int reader)
{
        return (int)(graph->edge_start[reader + 1] - graph->edge_start[reader]);
}
/* At position 0. */
static inline size_t hap_graph_edge(const struct hap_graph *graph, int writer, int reader)
{
        return graph->edge_start[reader] + (size_t)writer;
}
static inline int hap_graph_edge_position(const struct hap_graph *graph, size_t edge)
{
        return (int)(edge / graph->edges_per_position);
}
static inline int hap_graph_edge_reader(const struct hap_graph *graph, size_t edge)
{
        return graph->edge_reader[edge % graph->edges_per_position];
}
static inline int hap_graph_edge_writer(const struct hap_graph *graph, size_t edge)
{
        edge %= graph->edges_per_position;
        return (int)(edge - graph->edge_start[graph->edge_reader[edge]]);
}

/* The writers and the readers of a layer. */
static inline int hap_graph_layer_writers(const struct hap_graph *g)
{
        return g->n_heads + g->n_mlps;
}
static inline int hap_graph_layer_readers(const struct hap_graph *g)
{
        return 3 * g->n_heads + g->n_mlps;
}
/* Numbers of nodes. head counts within the layer. The MLP's is that of the first of n_mlps. */
static inline int hap_graph_head_writer(const struct hap_graph *g, int layer, int head)
{
        return g->n_inputs + layer * hap_graph_layer_writers(g) + head;
}
static inline int hap_graph_mlp_writer(const struct hap_graph *g, int layer)
{
        return hap_graph_head_writer(g, layer, g->n_heads);
}
/* which: 0 q, 1 k, 2 v */
static inline int hap_graph_head_reader(const struct hap_graph *g, int layer, int which, int head)
{
        return layer * hap_graph_layer_readers(g) + which * g->n_heads + head;
}
static inline int hap_graph_mlp_reader(const struct hap_graph *g, int layer)
{
        return hap_graph_head_reader(g, layer, 3, 0);
}
/* The reader of an MLP or an expert, from its writer. */
static inline int hap_graph_mlp_writer_reader(const struct hap_graph *g, int writer)
{
        const int layer = (writer - g->n_inputs) / hap_graph_layer_writers(g);

        return hap_graph_mlp_reader(g, layer) + writer - hap_graph_mlp_writer(g, layer);
}
static inline int hap_graph_logits_reader(const struct hap_graph *g)
{
        return g->n_readers - 1;
}

struct hap_node {
        int kind;  /* hap_writer_kind or hap_reader_kind */
        int layer; /* -1: none */
        int head;  /* -1: none */
        int expert; /* -1: none, which an MLP that is one node has, too */
};
struct hap_node hap_graph_writer(const struct hap_graph *graph, int writer);
struct hap_node hap_graph_reader(const struct hap_graph *graph, int reader);

/* The writer that a reader feeds (a head's q, k, v feed the head), or -1 for
 * logits. */
int hap_graph_reader_node(const struct hap_graph *graph, int reader);

/* A node is a writer at a position: position * n_writers + writer. */
static inline size_t hap_graph_n_nodes(const struct hap_graph *graph)
{
        return (size_t)graph->n_positions * (size_t)graph->n_writers;
}
/* The nodes that are heads and MLPs. */
static inline size_t hap_graph_n_cuttable(const struct hap_graph *graph)
{
        return (size_t)graph->n_positions * (size_t)(graph->n_writers - graph->n_inputs);
}
/* The node that an edge reads. */
static inline size_t hap_graph_edge_from(const struct hap_graph *graph, size_t edge)
{
        return (size_t)hap_graph_edge_position(graph, edge) * (size_t)graph->n_writers +
               (size_t)hap_graph_edge_writer(graph, edge);
}
/* The nodes that an edge can reach through its reader: first, first + n_writers, …
 * An edge into keys or values reaches the head at all positions, because attention carries
 * it there; other edges reach the node at their own position. None for the logits. */
struct hap_reachable {
        size_t first;
        int n;
};
struct hap_reachable hap_graph_edge_to(const struct hap_graph *graph, size_t edge);
/* Whether the logits are read at a position: it is an answer position. */
static inline bool hap_graph_is_read(const struct hap_graph *graph, int position)
{
        return graph->positions.n == 0 || graph->positions.answers[position];
}
/* Whether an edge can reach one of the flagged nodes ([hap_graph_n_nodes]), or logits that
 * are read. */
bool hap_graph_edge_leads(const struct hap_graph *graph, size_t edge, const bool *nodes);

/* What the nodes of MLPs are, for texts. */
static inline const char *hap_graph_mlps_word(const struct hap_graph *graph)
{
        return graph->n_experts > 0 ? "experts" : "MLPs";
}
/* Names, at most HAP_NAME bytes with the NUL. */
#define HAP_NAME 64
void hap_graph_writer_name(const struct hap_graph *graph, int writer, char *name);
void hap_graph_reader_name(const struct hap_graph *graph, int reader, char *name);
void hap_graph_edge_name(const struct hap_graph *graph, size_t edge, char *name);
/* The edge, or -1 when this graph has none of that name. In a graph with positions the name
 * ends in '@' and a position. Numbers have no leading zeros. */
int64_t hap_graph_find_edge(const struct hap_graph *graph, const char *name, size_t length);
/* The position after a name's '@'; *length is reduced to what is before it.
 * HAP_ANY_POSITION: no '@'. HAP_NO_POSITION: the graph has no such position. */
enum { HAP_ANY_POSITION = -1, HAP_NO_POSITION = -2 };
int hap_graph_take_position(const struct hap_graph *graph, const char *name, size_t *length);
/* The edge at position 0, for a name without '@', or -1. */
int64_t hap_graph_find_edge_anywhere(const struct hap_graph *graph, const char *name,
                                     size_t length);
int hap_graph_find_writer(const struct hap_graph *graph, const char *name, size_t length);
int hap_graph_find_reader(const struct hap_graph *graph, const char *name, size_t length);

/* The number of edges with z > 0. z: [n_edges]. */
size_t hap_graph_count_kept(const struct hap_graph *graph, const float *z);

/* Removes dead edges from `z` ([n_edges], an edge is kept when z > 0) to a
 * fixed point: a node stays only with a kept edge in and one out (`input`
 * needs none in, `logits` none out; of a head's q, k, v one suffices).
 * Sets z of dropped edges to 0 and returns their number. A node is a writer at a
 * position. */
size_t hap_graph_drop_dead(const struct hap_graph *graph, float *z);

/* reached[node]: a path of kept edges leads to the node from an input, or it is an input.
 * reached: [hap_graph_n_nodes]. */
void hap_graph_reached(const struct hap_graph *graph, const float *z, bool *reached);
/* live[node]: hap_graph_drop_dead would keep the node. live: [hap_graph_n_nodes]. z does not
 * change. */
void hap_graph_live(const struct hap_graph *graph, const float *z, bool *live);

#endif
