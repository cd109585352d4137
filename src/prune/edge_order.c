#include "prune/edge_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX

struct placed {
        double value;
        uint64_t tie;
        uint32_t edge;
};

static int higher_first(const void *a, const void *b)
{
        const struct placed *x = a, *y = b;

        if (x->value != y->value)
                return x->value > y->value ? -1 : 1;
        if (x->tie != y->tie)
                return x->tie < y->tie ? -1 : 1;
        return x->edge < y->edge ? -1 : x->edge > y->edge;
}

int hap_rank_edges(const double *value, const uint32_t *edges, size_t n,
                   struct hap_random_key key, uint64_t i, uint32_t *order)
{
        struct placed *placed = calloc(n ? n : 1, sizeof *placed);

        if (!placed)
                return -1;
        for (size_t k = 0; k < n; k++)
                placed[k] = (struct placed){value[edges[k]],
                                            hap_random_word(key, i, edges[k]), edges[k]};
        qsort(placed, n, sizeof *placed, higher_first);
        for (size_t k = 0; k < n; k++)
                order[k] = placed[k].edge;
        free(placed);
        return 0;
}

size_t hap_rank_first(const struct hap_graph *graph, const uint32_t *order,
                      size_t n_first, float *z)
{
        memset(z, 0, graph->n_edges * sizeof *z);
        for (size_t k = 0; k < n_first; k++)
                z[order[k]] = 1;
        hap_graph_drop_dead(graph, z);
        return hap_graph_count_kept(graph, z);
}

/* Another edge never kills one that lives, so that the number alive rises with
 * the prefix and can be searched by halves. */
static size_t longest_prefix(const struct hap_graph *graph, const uint32_t *order,
                             size_t n, size_t most, float *z)
{
        size_t fits = 0, fails = n + 1;

        while (fails - fits > 1) {
                size_t middle = fits + (fails - fits) / 2;

                if (hap_rank_first(graph, order, middle, z) <= most)
                        fits = middle;
                else
                        fails = middle;
        }
        return fits;
}

size_t hap_rank_longest(const struct hap_graph *graph, const uint32_t *order,
                        size_t n, size_t most, float *z)
{
        return hap_rank_first(graph, order, longest_prefix(graph, order, n, most, z), z);
}

/* Takes edges out of z, the last in the order first, each with what dies with
 * it, until at most `most` live; never the last path. */
static int trim(const struct hap_graph *graph, const uint32_t *order, size_t n,
                size_t most, float *z)
{
        size_t bytes = graph->n_edges * sizeof *z, alive = hap_graph_count_kept(graph, z);
        float *before = malloc(bytes);

        if (!before)
                return -1;
        for (size_t k = n; k-- > 0 && alive > most;) {
                if (z[order[k]] == 0)
                        continue;
                memcpy(before, z, bytes);
                z[order[k]] = 0;
                hap_graph_drop_dead(graph, z);
                if (hap_rank_shortest(graph, z) == 0)
                        memcpy(z, before, bytes);
                else
                        alive = hap_graph_count_kept(graph, z);
        }
        free(before);
        return 0;
}

/* Where the best path to a writer, or to the logits, comes from. */
struct way {
        size_t length; /* edges; more than there are: none */
        size_t worst;  /* place of its last edge in the order */
        size_t edge;   /* the last one */
};

static bool better(const struct way *a, const struct way *b)
{
        return a->length < b->length || (a->length == b->length && a->worst < b->worst);
}

/* Ways over the edges into one reader at one place. ways: [nodes + 1], the last of the
 * logits. */
static void extend_ways(const struct hap_graph *graph, int reader, int at, const size_t *place,
                        struct way *ways)
{
        const size_t first = (size_t)at * graph->edges_per_position + graph->edge_start[reader];
        const struct way *from = ways + (size_t)at * (size_t)graph->n_writers;
        const struct hap_reachable fed = hap_graph_edge_to(graph, first);
        struct way best = {graph->n_edges + 1, 0, 0};

        for (int w = 0; w < hap_graph_in(graph, reader); w++) {
                const size_t e = first + (size_t)w;
                const struct way way = {from[w].length + 1, hap_larger(from[w].worst, place[e]), e};

                if (place[e] != NOWHERE && from[w].length <= graph->n_edges && better(&way, &best))
                        best = way;
        }
        if (fed.n == 0 && hap_graph_is_read(graph, at) &&
            better(&best, ways + hap_graph_n_nodes(graph)))
                ways[hap_graph_n_nodes(graph)] = best;
        for (int i = 0; i < fed.n; i++) {
                struct way *to = ways + fed.first + (size_t)i * (size_t)graph->n_writers;

                if (better(&best, to))
                        *to = best;
        }
}

/* The path from an input to the logits with the fewest edges, of such ones that whose
 * worst place in an order, place[edge], is best; edges with NOWHERE are none. Sets z =
 * 1 on it unless NULL. Returns its edges; 0: no path, or no memory. Readers come in the
 * order in which they are computed. */
static size_t best_path(const struct hap_graph *graph, const size_t *place, float *z)
{
        const size_t logits = hap_graph_n_nodes(graph), n_writers = (size_t)graph->n_writers;
        struct way *ways = calloc(logits + 1, sizeof *ways);
        size_t length;

        if (!ways)
                return 0;
        for (size_t node = 0; node <= logits; node++)
                if (node == logits || node % n_writers >= (size_t)graph->n_inputs)
                        ways[node].length = graph->n_edges + 1;
        for (int r = 0; r < graph->n_readers; r++)
                for (int p = 0; p < graph->n_positions; p++)
                        extend_ways(graph, r, p, place, ways);
        length = ways[logits].length <= graph->n_edges ? ways[logits].length : 0;
        for (size_t at = logits; z && length && (at == logits || ways[at].length > 0);) {
                z[ways[at].edge] = 1;
                at = hap_graph_edge_from(graph, ways[at].edge);
        }
        free(ways);
        return length;
}

/* The best of the shortest paths through edges of the order alone. -1: no memory. */
static long keep_path(const struct hap_graph *graph, const uint32_t *order, size_t n, float *z)
{
        size_t *place = malloc(graph->n_edges * sizeof *place), length;

        if (!place)
                return -1;
        for (size_t e = 0; e < graph->n_edges; e++)
                place[e] = NOWHERE;
        for (size_t k = 0; k < n; k++)
                place[order[k]] = k;
        memset(z, 0, graph->n_edges * sizeof *z);
        length = best_path(graph, place, z);
        free(place);
        return (long)length;
}

long hap_rank_cut(const struct hap_graph *graph, const uint32_t *order,
                  size_t n, size_t most, float *z)
{
        size_t first = longest_prefix(graph, order, n, most, z);
        size_t alive = hap_rank_first(graph, order, first, z);

        if (alive == 0 && first < n) {
                hap_rank_first(graph, order, first + 1, z);
                if (trim(graph, order, first + 1, most, z) < 0)
                        return -1;
                alive = hap_graph_count_kept(graph, z);
        }
        if (alive == 0 || alive > most) {
                long path = keep_path(graph, order, n, z);

                if (path <= 0 || (size_t)path > most)
                        return path < 0 ? -1 : 0;
        }
        return hap_rank_fill(graph, order, n, most, z);
}

struct filling {
        const struct hap_graph *graph;
        const uint32_t *order;
        size_t n;
        float *z;
        bool *reached, *live; /* nodes */
};

static void look(const struct filling *f)
{
        hap_graph_reached(f->graph, f->z, f->reached);
        hap_graph_live(f->graph, f->z, f->live);
}

/* What an edge reads is there; it may lead nowhere yet: a head that lives at one place
 * is reached at all. */
static bool is_fed(const struct filling *f, size_t edge)
{
        return f->reached[hap_graph_edge_from(f->graph, edge)];
}

static bool reads_live(const struct filling *f, size_t edge)
{
        return hap_graph_edge_leads(f->graph, edge, f->live);
}

/* Whether one edge's reader belongs to the node that another reads. */
static bool leads_to(const struct filling *f, size_t edge, size_t other)
{
        const struct hap_reachable fed = hap_graph_edge_to(f->graph, edge);
        const size_t node = hap_graph_edge_from(f->graph, other);
        const size_t n_writers = (size_t)f->graph->n_writers;

        return fed.n == 1 ? node == fed.first
                          : fed.n > 1 && node % n_writers == fed.first % n_writers;
}

/* Edges from reached nodes into live ones, which come alive one by one. */
static size_t add_between(const struct filling *f, size_t most)
{
        size_t added = 0;

        for (size_t k = 0; k < f->n && added < most; k++) {
                size_t edge = f->order[k];

                if (f->z[edge] > 0 || !is_fed(f, edge) || !reads_live(f, edge))
                        continue;
                f->z[edge] = 1;
                added++;
        }
        return added;
}

/* Of the edges that join the dead node behind `edge` to the live ones on its
 * other side, the first in the order; n when there is none. */
static size_t find_other(const struct filling *f, size_t edge, bool out)
{
        for (size_t k = 0; k < f->n; k++) {
                size_t other = f->order[k];

                if (out ? leads_to(f, edge, other) && reads_live(f, other)
                        : leads_to(f, other, edge) && is_fed(f, other))
                        return k;
        }
        return f->n;
}

/* Two edges that bring a dead node to life: the first in the order that has one
 * live end, and what joins its other end. */
static bool add_node(const struct filling *f)
{
        for (size_t k = 0; k < f->n; k++) {
                size_t edge = f->order[k], other;
                bool out = is_fed(f, edge);

                if (out == reads_live(f, edge))
                        continue;
                other = find_other(f, edge, out);
                if (other == f->n)
                        continue;
                f->z[edge] = f->z[f->order[other]] = 1;
                return true;
        }
        return false;
}

/* Takes out the last edge of the order without which nothing else dies, to *edge. */
static bool drop_one(const struct filling *f, float *scratch, size_t *edge)
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

long hap_rank_fill(const struct hap_graph *graph, const uint32_t *order,
                   size_t n, size_t most, float *z)
{
        const size_t nodes = hap_graph_n_nodes(graph);
        bool *reached = calloc(2 * nodes, sizeof *reached), *live = reached + nodes;
        float *scratch = calloc(graph->n_edges, sizeof *scratch);
        struct filling f = {graph, order, n, z, reached, live};
        size_t alive = hap_graph_count_kept(graph, z), spared = NOWHERE;

        while (reached && scratch && alive > 0 && alive < most) {
                size_t added;

                look(&f);
                alive += added = add_between(&f, most - alive);
                if (added > 0)
                        continue; /* which may have led to other places */
                if (alive + 1 == most) { /* a node takes two */
                        if (spared != NOWHERE || !drop_one(&f, scratch, &spared))
                                break;
                        alive--;
                        look(&f);
                }
                if (!add_node(&f))
                        break;
                alive += 2;
        }
        if (spared != NOWHERE && alive < most) { /* for nothing */
                z[spared] = 1;
                alive++;
        }
        if (!reached || !scratch)
                alive = SIZE_MAX;
        free(scratch);
        free(reached);
        return alive == SIZE_MAX ? -1 : (long)alive;
}

size_t hap_rank_shortest(const struct hap_graph *graph, const float *z)
{
        size_t *place = malloc(graph->n_edges * sizeof *place), length;

        for (size_t e = 0; place && e < graph->n_edges; e++)
                place[e] = z[e] > 0 ? 0 : NOWHERE;
        length = place ? best_path(graph, place, NULL) : 0;
        free(place);
        return length;
}
