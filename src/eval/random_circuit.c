#include "eval/random_circuit.h"

#include <stdlib.h>
#include <string.h>

/* A number below n, from one word. */
static size_t draw_below(struct hap_random_key key, uint64_t i, uint64_t *draws, size_t n)
{
        return (size_t)(((unsigned __int128)hap_random_word(key, i, (*draws)++) * n) >> 64);
}

/* Layers from 0 (inputs) to n_layers + 1 (logits). */
static size_t class_by_layers(const struct hap_graph *graph, size_t edge)
{
        const int layers = graph->n_layers + 2;
        const struct hap_node from = hap_graph_writer(graph, hap_graph_edge_writer(graph, edge));
        const struct hap_node to = hap_graph_reader(graph, hap_graph_edge_reader(graph, edge));
        const int last = to.kind == HAP_READS_LOGITS ? graph->n_layers + 1 : to.layer + 1;

        return (size_t)(from.layer + 1) * (size_t)layers + (size_t)last;
}

static size_t one_class(const struct hap_graph *graph, size_t edge)
{
        (void)graph;
        (void)edge;
        return 0;
}

/* Takes as many edges of each class as `like` has, in a random order of all edges: uniform
 * within the class. */
static int draw_by_class(const struct hap_graph *graph, const float *like,
                         struct hap_random_key key, uint64_t i,
                         size_t (*class_of)(const struct hap_graph *, size_t), float *z)
{
        const size_t layers = (size_t)graph->n_layers + 2;
        uint32_t *order = malloc(graph->n_edges * sizeof *order);
        size_t *wanted = calloc(layers * layers, sizeof *wanted);

        if (!order || !wanted) {
                free(order);
                free(wanted);
                return -1;
        }
        for (size_t e = 0; e < graph->n_edges; e++) {
                z[e] = 0;
                wanted[class_of(graph, e)] += like[e] > 0;
        }
        hap_random_shuffle(key, i, graph->n_edges, order);
        for (size_t k = 0; k < graph->n_edges; k++) {
                size_t *left = wanted + class_of(graph, order[k]);

                z[order[k]] = *left > 0;
                *left -= *left > 0;
        }
        free(order);
        free(wanted);
        return 0;
}

static int draw_edges(const struct hap_graph *graph, const float *like, struct hap_random_key key,
                      uint64_t i, float *z)
{
        return draw_by_class(graph, like, key, i, one_class, z);
}

static int draw_layers(const struct hap_graph *graph, const float *like,
                       struct hap_random_key key, uint64_t i, float *z)
{
        return draw_by_class(graph, like, key, i, class_by_layers, z);
}

/* --- paths --- */

/* A uniformly chosen edge out of the node, or SIZE_MAX if there is none. Readers are numbered
 * in the order of layers, so those that read the writer are the last ones, except that the
 * MLP of its own layer reads a head and its neighbours do not. */
static size_t draw_edge_out(const struct hap_graph *graph, size_t node, struct hap_random_key key,
                            uint64_t i, uint64_t *draws)
{
        const int position = (int)(node / (size_t)graph->n_writers);
        const int writer = (int)(node % (size_t)graph->n_writers);
        size_t n = 0, at;

        for (int r = 0; r < graph->n_readers; r++)
                n += hap_graph_in(graph, r) > writer;
        n -= !hap_graph_is_read(graph, position);
        if (n == 0)
                return SIZE_MAX;
        at = draw_below(key, i, draws, n);
        for (int r = 0;; r++)
                if (hap_graph_in(graph, r) > writer && at-- == 0)
                        return (size_t)position * graph->edges_per_position +
                               hap_graph_edge(graph, writer, r);
}

static bool enters_logits(const struct hap_graph *graph, size_t edge)
{
        return hap_graph_edge_reader(graph, edge) == hap_graph_logits_reader(graph);
}

/* The edges of a path, at most one per layer's head and MLP: their number, or 0 if the
 * path ended before the logits. */
static size_t draw_path(const struct hap_graph *graph, struct hap_random_key key, uint64_t i,
                        uint64_t *draws, size_t *path)
{
        size_t n = 0;
        size_t node = draw_below(key, i, draws, (size_t)graph->n_positions) *
                              (size_t)graph->n_writers +
                      draw_below(key, i, draws, (size_t)graph->n_inputs);

        for (;;) {
                const size_t edge = draw_edge_out(graph, node, key, i, draws);
                struct hap_reachable next;

                if (edge == SIZE_MAX)
                        return 0;
                path[n++] = edge;
                if (enters_logits(graph, edge))
                        return n;
                next = hap_graph_edge_to(graph, edge);
                node = next.first + (size_t)graph->n_writers *
                                            draw_below(key, i, draws, (size_t)next.n);
        }
}

int hap_random_path(const struct hap_graph *graph, struct hap_random_key key, uint64_t i,
                    uint64_t *draws, float *z)
{
        size_t *path = malloc(2 * ((size_t)graph->n_layers + 1) * sizeof *path), n = 0;
        int added = 0;

        for (int tries = 0; path && n == 0 && tries < 10000; tries++)
                n = draw_path(graph, key, i, draws, path);
        for (size_t k = 0; k < n; k++) {
                added += z[path[k]] == 0;
                z[path[k]] = 1;
        }
        free(path);
        return n == 0 ? -1 : added;
}

static int draw_paths(const struct hap_graph *graph, const float *like, struct hap_random_key key,
                      uint64_t i, float *z)
{
        const size_t wanted = hap_graph_count_kept(graph, like);
        size_t n = 0;
        uint64_t draws = 0;

        memset(z, 0, graph->n_edges * sizeof *z);
        while (n < wanted) {
                const int added = hap_random_path(graph, key, i, &draws, z);

                if (added < 0)
                        return -1;
                n += (size_t)added;
        }
        return 0;
}

const struct hap_random_kind hap_random_edges = {
        "edges", "as many edges, uniformly among all edges", draw_edges};
const struct hap_random_kind hap_random_layers = {
        "layers", "as many edges between every two layers", draw_layers};
const struct hap_random_kind hap_random_paths = {
        "paths", "paths from the input to the logits, until there are as many edges", draw_paths};

const struct hap_random_kind *const hap_random_kinds[] = {&hap_random_edges, &hap_random_layers,
                                                          &hap_random_paths, NULL};
