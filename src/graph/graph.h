/* The graph of a transformer: writers, readers and the edges between them.
 *
 * Names are those of EAP-IG and of the MIB benchmark's exchange files: writers
 * `input`, `a5.h1`, `m3` (or `tok` and `pos` for a split input), readers
 * `a5.h1<q>`, `a5.h1<k>`, `a5.h1<v>`, `m3`, `logits`, edges
 * `a0.h0->a5.h1<q>`.
 *
 * Writers are numbered in the order in which they are written: input (tok,
 * pos), then for each layer its heads and its MLP. Readers: for each layer the
 * q of every head, the k, the v, then the MLP; last `logits`. What a reader may
 * read is always a prefix of the writers, so the edges of a reader are
 * numbered one behind the other: edge = edge_start[reader] + writer. */
#ifndef HAP_GRAPH_GRAPH_H
#define HAP_GRAPH_GRAPH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "model/model.h"

enum hap_reader_kind { HAP_READS_Q, HAP_READS_K, HAP_READS_V, HAP_READS_MLP, HAP_READS_LOGITS };
enum hap_writer_kind { HAP_WRITES_INPUT, HAP_WRITES_POSITION, HAP_WRITES_HEAD, HAP_WRITES_MLP };

struct hap_graph {
        int n_layers, n_heads;
        bool parallel_residual;
        bool split_input; /* tok and pos are two writers */
        int n_inputs;     /* 1, or 2 when split */
        int n_writers, n_readers;
        size_t n_edges;
        size_t *edge_start; /* [n_readers + 1] */
        int *edge_reader;   /* [n_edges] */
};

/* Sizes from 1 to 4096 each, at most 2^31 - 1 edges. */
int hap_graph_init(struct hap_graph *graph, int n_layers, int n_heads,
                   bool parallel_residual, bool split_input,
                   struct hap_error *err);
void hap_graph_release(struct hap_graph *graph);

/* Header form: {"layers", "heads", "parallel", "input": "joined"|"split",
 * "edges", "writers", "readers"}; and back (HAP_EINPUT). New reference. */
json_t *hap_graph_describe(const struct hap_graph *graph);
int hap_graph_of_json(struct hap_graph *graph, const json_t *description,
                      struct hap_error *err);
bool hap_graph_equal(const struct hap_graph *a, const struct hap_graph *b);

/* The writers that a reader may read: 0 … n-1. */
static inline int hap_graph_in(const struct hap_graph *graph, int reader)
{
        return (int)(graph->edge_start[reader + 1] - graph->edge_start[reader]);
}
static inline size_t hap_graph_edge(const struct hap_graph *graph, int writer, int reader)
{
        return graph->edge_start[reader] + (size_t)writer;
}
static inline int hap_graph_edge_reader(const struct hap_graph *graph, size_t edge)
{
        return graph->edge_reader[edge];
}
static inline int hap_graph_edge_writer(const struct hap_graph *graph, size_t edge)
{
        return (int)(edge - graph->edge_start[graph->edge_reader[edge]]);
}

/* Numbers of nodes. head counts within the layer. */
static inline int hap_graph_head_writer(const struct hap_graph *g, int layer, int head)
{
        return g->n_inputs + layer * (g->n_heads + 1) + head;
}
static inline int hap_graph_mlp_writer(const struct hap_graph *g, int layer)
{
        return g->n_inputs + layer * (g->n_heads + 1) + g->n_heads;
}
/* which: 0 q, 1 k, 2 v */
static inline int hap_graph_head_reader(const struct hap_graph *g, int layer, int which, int head)
{
        return layer * (3 * g->n_heads + 1) + which * g->n_heads + head;
}
static inline int hap_graph_mlp_reader(const struct hap_graph *g, int layer)
{
        return layer * (3 * g->n_heads + 1) + 3 * g->n_heads;
}
static inline int hap_graph_logits_reader(const struct hap_graph *g)
{
        return g->n_readers - 1;
}

struct hap_node {
        int kind;  /* hap_writer_kind or hap_reader_kind */
        int layer; /* -1: none */
        int head;  /* -1: none */
};
struct hap_node hap_graph_writer(const struct hap_graph *graph, int writer);
struct hap_node hap_graph_reader(const struct hap_graph *graph, int reader);

/* The writer that a reader feeds (a head's q, k, v feed the head), or -1 for
 * logits. */
int hap_graph_fed(const struct hap_graph *graph, int reader);

/* Names, at most HAP_NAME bytes with the NUL. */
#define HAP_NAME 64
void hap_graph_writer_name(const struct hap_graph *graph, int writer, char *name);
void hap_graph_reader_name(const struct hap_graph *graph, int reader, char *name);
void hap_graph_edge_name(const struct hap_graph *graph, size_t edge, char *name);
/* The edge, or -1 when the name is none of this graph. Numbers are written
 * without leading zeros. */
int64_t hap_graph_find_edge(const struct hap_graph *graph, const char *name, size_t length);
int hap_graph_find_writer(const struct hap_graph *graph, const char *name, size_t length);
int hap_graph_find_reader(const struct hap_graph *graph, const char *name, size_t length);

/* Removes dead edges from `z` ([n_edges], an edge is kept when z > 0) to a
 * fixed point: a node stays only with a kept edge in and one out (`input`
 * needs none in, `logits` none out; of a head's q, k, v one suffices).
 * Sets z of what is dropped to 0 and returns how many edges were dropped. */
size_t hap_graph_drop_dead(const struct hap_graph *graph, float *z);

/* As above, and tells which writers live ([n_writers]) without touching z. */
void hap_graph_live(const struct hap_graph *graph, const float *z, bool *live);

#endif
