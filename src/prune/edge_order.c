#include "prune/edge_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define NOWHERE SIZE_MAX

struct ordered_edge {
        double value;
        uint64_t tie;
        uint32_t edge;
};

static int compare_higher_first(const void *a, const void *b)
{
        const struct ordered_edge *x = a, *y = b;

        if (x->value != y->value)
                return x->value > y->value ? -1 : 1;
        if (x->tie != y->tie)
                return x->tie < y->tie ? -1 : 1;
        return x->edge < y->edge ? -1 : x->edge > y->edge;
}

int hap_edge_order_sort(const double *value, const uint32_t *edges, size_t n,
                        struct hap_random_key key, uint64_t i, uint32_t *order)
{
        struct ordered_edge *ordered = calloc(n ? n : 1, sizeof *ordered);

        if (!ordered)
                return -1;
        for (size_t k = 0; k < n; k++)
                ordered[k] = (struct ordered_edge){value[edges[k]],
                                            hap_random_word(key, i, edges[k]), edges[k]};
        qsort(ordered, n, sizeof *ordered, compare_higher_first);
        for (size_t k = 0; k < n; k++)
                order[k] = ordered[k].edge;
        free(ordered);
        return 0;
}

size_t hap_edge_order_first(const struct hap_graph *graph, const uint32_t *order, size_t n_first,
                            float *z)
{
        memset(z, 0, graph->n_edges * sizeof *z);
        for (size_t k = 0; k < n_first; k++)
                z[order[k]] = 1;
        hap_graph_drop_dead(graph, z);
        return hap_graph_count_kept(graph, z);
}

/* Adding an edge never kills a live one. The number of live edges therefore grows with the
 * prefix, and a binary search finds the longest one. */
static size_t longest_prefix(const struct hap_graph *graph, const uint32_t *order,
                             size_t n, size_t max, float *z)
{
        size_t fits = 0, fails = n + 1;

        while (fails - fits > 1) {
                size_t middle = fits + (fails - fits) / 2;

                if (hap_edge_order_first(graph, order, middle, z) <= max)
                        fits = middle;
                else
                        fails = middle;
        }
        return fits;
}

size_t hap_edge_order_longest(const struct hap_graph *graph, const uint32_t *order, size_t n,
                              size_t max, float *z)
{
        return hap_edge_order_first(graph, order, longest_prefix(graph, order, n, max, z), z);
}

/* Removes edges from z, starting with the last of the order, and the edges that die with
 * them, until at most `max` live. Never removes the last path. */
static int trim_last_edges(const struct hap_graph *graph, const uint32_t *order, size_t n,
                           size_t max, float *z)
{
        size_t bytes = graph->n_edges * sizeof *z, alive = hap_graph_count_kept(graph, z);
        float *before = malloc(bytes);

        if (!before)
                return -1;
        for (size_t k = n; k-- > 0 && alive > max;) {
                if (z[order[k]] == 0)
                        continue;
                memcpy(before, z, bytes);
                z[order[k]] = 0;
                hap_graph_drop_dead(graph, z);
                if (hap_edge_order_shortest_path(graph, z) == 0)
                        memcpy(z, before, bytes);
                else
                        alive = hap_graph_count_kept(graph, z);
        }
        free(before);
        return 0;
}

/* The best path to a writer, or to the logits. */
struct path {
        size_t length; /* edges; more than the graph has: no path */
        size_t worst;  /* the highest rank in the order of any of its edges */
        size_t edge;   /* the edge that it ends with */
};

static bool is_better_path(const struct path *a, const struct path *b)
{
        return a->length < b->length || (a->length == b->length && a->worst < b->worst);
}

/* Extends the paths over the edges into one reader at one position. paths: [nodes + 1], the
 * last entry for the logits. */
static void extend_paths(const struct hap_graph *graph, int reader, int at, const size_t *rank,
                         struct path *paths)
{
        const size_t first = (size_t)at * graph->edges_per_position + graph->edge_start[reader];
        const struct path *from = paths + (size_t)at * (size_t)graph->n_writers;
        const struct hap_reachable to_nodes = hap_graph_edge_to(graph, first);
        struct path best = {graph->n_edges + 1, 0, 0};

        for (int w = 0; w < hap_graph_in(graph, reader); w++) {
                const size_t e = first + (size_t)w;
                const struct path path = {from[w].length + 1,
                                          hap_max(from[w].worst, rank[e]), e};

                if (rank[e] != NOWHERE && from[w].length <= graph->n_edges &&
                    is_better_path(&path, &best))
                        best = path;
        }
        if (to_nodes.n == 0 && hap_graph_is_read(graph, at) &&
            is_better_path(&best, paths + hap_graph_n_nodes(graph)))
                paths[hap_graph_n_nodes(graph)] = best;
        for (int i = 0; i < to_nodes.n; i++) {
                struct path *to = paths + to_nodes.first + (size_t)i * (size_t)graph->n_writers;

                if (is_better_path(&best, to))
                        *to = best;
        }
}

/* Finds the path from an input to the logits with the fewest edges; among equally short paths,
 * the one whose latest rank in the order, rank[edge], is lowest. Edges at NOWHERE do not exist.
 * Sets z = 1 on it unless z is NULL. Returns its number of edges; 0: no path, or no memory.
 * Readers are visited in the order in which they are computed. */
static size_t best_path(const struct hap_graph *graph, const size_t *rank, float *z)
{
        const size_t logits = hap_graph_n_nodes(graph), n_writers = (size_t)graph->n_writers;
        struct path *paths = calloc(logits + 1, sizeof *paths);
        size_t length;

        if (!paths) {
                hap_memory_short(); /* 0 is "no path" to the caller */
                return 0;
        }
        for (size_t node = 0; node <= logits; node++)
                if (node == logits || node % n_writers >= (size_t)graph->n_inputs)
                        paths[node].length = graph->n_edges + 1;
        for (int r = 0; r < graph->n_readers; r++)
                for (int p = 0; p < graph->n_positions; p++)
                        extend_paths(graph, r, p, rank, paths);
        length = paths[logits].length <= graph->n_edges ? paths[logits].length : 0;
        for (size_t at = logits; z && length && (at == logits || paths[at].length > 0);) {
                z[paths[at].edge] = 1;
                at = hap_graph_edge_from(graph, paths[at].edge);
        }
        free(paths);
        return length;
}

/* Makes z the best of the shortest paths through edges of the order. -1: no memory. */
static long mark_best_path(const struct hap_graph *graph, const uint32_t *order, size_t n, float *z)
{
        size_t *rank = malloc(graph->n_edges * sizeof *rank), length;

        if (!rank)
                return -1;
        for (size_t e = 0; e < graph->n_edges; e++)
                rank[e] = NOWHERE;
        for (size_t k = 0; k < n; k++)
                rank[order[k]] = k;
        memset(z, 0, graph->n_edges * sizeof *z);
        length = best_path(graph, rank, z);
        free(rank);
        return (long)length;
}

long hap_edge_order_cut(const struct hap_graph *graph, const uint32_t *order, size_t n, size_t max,
                        float *z)
{
        size_t first = longest_prefix(graph, order, n, max, z);
        size_t alive = hap_edge_order_first(graph, order, first, z);

        if (alive == 0 && first < n) {
                hap_edge_order_first(graph, order, first + 1, z);
                if (trim_last_edges(graph, order, first + 1, max, z) < 0)
                        return -1;
                alive = hap_graph_count_kept(graph, z);
        }
        if (alive == 0 || alive > max) {
                long path = mark_best_path(graph, order, n, z);

                if (path <= 0 || (size_t)path > max)
                        return path < 0 ? -1 : 0;
        }
        return hap_edge_order_fill(graph, order, n, max, z);
}

struct filling {
        const struct hap_graph *graph;
        const uint32_t *order;
        size_t n;
        float *z;
        bool *reached, *live; /* [nodes] */
};

static void update_nodes(const struct filling *f)
{
        hap_graph_reached(f->graph, f->z, f->reached);
        hap_graph_live(f->graph, f->z, f->live);
}

/* Whether the node that an edge reads is reached from an input. The node need not be live: a head
 * that is live at one position is reached at all positions. */
static bool is_reached(const struct filling *f, size_t edge)
{
        return f->reached[hap_graph_edge_from(f->graph, edge)];
}

static bool reads_live(const struct filling *f, size_t edge)
{
        return hap_graph_edge_leads(f->graph, edge, f->live);
}

/* Whether `edge` leads into the node that `other` reads. */
static bool leads_to(const struct filling *f, size_t edge, size_t other)
{
        const struct hap_reachable to_nodes = hap_graph_edge_to(f->graph, edge);
        const size_t node = hap_graph_edge_from(f->graph, other);
        const size_t n_writers = (size_t)f->graph->n_writers;

        return to_nodes.n == 1 ? node == to_nodes.first
                          : to_nodes.n > 1 && node % n_writers == to_nodes.first % n_writers;
}

/* Adds edges from reached nodes into live ones, each of which is then alive. */
static size_t add_edges_between(const struct filling *f, size_t max)
{
        size_t added = 0;

        for (size_t k = 0; k < f->n && added < max; k++) {
                size_t edge = f->order[k];

                if (f->z[edge] > 0 || !is_reached(f, edge) || !reads_live(f, edge))
                        continue;
                f->z[edge] = 1;
                added++;
        }
        return added;
}

/* One end of `edge` is a dead node. Returns the rank of the first edge of the order that joins
 * this node to the live nodes on its other side; n if there is none. */
static size_t find_other_edge(const struct filling *f, size_t edge, bool out)
{
        for (size_t k = 0; k < f->n; k++) {
                size_t other = f->order[k];

                if (out ? leads_to(f, edge, other) && reads_live(f, other)
                        : leads_to(f, other, edge) && is_reached(f, other))
                        return k;
        }
        return f->n;
}

/* Adds two edges that bring a dead node to life: the first of the order with one live end,
 * and the edge that joins its other end. */
static bool add_dead_node(const struct filling *f)
{
        for (size_t k = 0; k < f->n; k++) {
                size_t edge = f->order[k], other;
                bool out = is_reached(f, edge);

                if (out == reads_live(f, edge))
                        continue;
                other = find_other_edge(f, edge, out);
                if (other == f->n)
                        continue;
                f->z[edge] = f->z[f->order[other]] = 1;
                return true;
        }
        return false;
}

/* Removes the last edge of the order that no other edge depends on, and sets *edge to it. */
static bool drop_spare_edge(const struct filling *f, float *scratch, size_t *edge)
{
        for (size_t k = f->n; k-- > 0;) {
                if (f->z[f->order[k]] == 0)
                        continue;
                memcpy(scratch, f->z, f->graph->n_edges * sizeof *scratch);
                scratch[f->order[k]] = 0;
                if (hap_graph_drop_dead(f->graph, scratch) == 0) {
                        *edge = f->order[k];
                        f->z[*edge] = 0;
                        return true;
                }
        }
        return false;
}

long hap_edge_order_fill(const struct hap_graph *graph, const uint32_t *order, size_t n, size_t max,
                         float *z)
{
        const size_t nodes = hap_graph_n_nodes(graph);
        bool *reached = calloc(2 * nodes, sizeof *reached);
        float *scratch = calloc(graph->n_edges, sizeof *scratch);
        struct filling f = {graph, order, n, z, reached, reached ? reached + nodes : NULL};
        size_t alive = hap_graph_count_kept(graph, z), spared = NOWHERE;

        while (reached && scratch && alive > 0 && alive < max) {
                size_t added;

                update_nodes(&f);
                alive += added = add_edges_between(&f, max - alive);
                if (added > 0)
                        continue; /* the new edges may lead to other positions */
                if (alive + 1 == max) { /* a node needs two edges */
                        if (spared != NOWHERE || !drop_spare_edge(&f, scratch, &spared))
                                break;
                        alive--;
                        update_nodes(&f);
                }
                if (!add_dead_node(&f))
                        break;
                alive += 2;
        }
        if (spared != NOWHERE && alive < max) { /* nothing replaced it */
                z[spared] = 1;
                alive++;
        }
        if (!reached || !scratch)
                alive = SIZE_MAX;
        free(scratch);
        free(reached);
        return alive == SIZE_MAX ? -1 : (long)alive;
}

size_t hap_edge_order_shortest_path(const struct hap_graph *graph, const float *z)
{
        size_t *rank = malloc(graph->n_edges * sizeof *rank), length;

        if (!rank)
                hap_memory_short();
        for (size_t e = 0; rank && e < graph->n_edges; e++)
                rank[e] = z[e] > 0 ? 0 : NOWHERE;
        length = rank ? best_path(graph, rank, NULL) : 0;
        free(rank);
        return length;
}
