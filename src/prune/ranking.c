#include "prune/ranking.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static size_t count(const struct hap_graph *graph, const float *z)
{
        size_t n = 0;

        for (size_t e = 0; e < graph->n_edges; e++)
                n += z[e] > 0;
        return n;
}

size_t hap_rank_first(const struct hap_graph *graph, const uint32_t *order,
                      size_t n_first, float *z)
{
        memset(z, 0, graph->n_edges * sizeof *z);
        for (size_t k = 0; k < n_first; k++)
                z[order[k]] = 1;
        hap_graph_drop_dead(graph, z);
        return count(graph, z);
}

/* Another edge never kills one that lives, so that the number alive rises with
 * the prefix and can be searched by halves. */
size_t hap_rank_longest(const struct hap_graph *graph, const uint32_t *order,
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
        return hap_rank_first(graph, order, fits, z);
}

long hap_rank_fill(const struct hap_graph *graph, const uint32_t *order,
                   size_t n, size_t most, float *z)
{
        bool *live = calloc((size_t)graph->n_writers, sizeof *live);
        size_t alive = count(graph, z);

        if (!live)
                return -1;
        hap_graph_live(graph, z, live);
        for (size_t k = 0; k < n && alive < most; k++) {
                size_t edge = order[k];
                int fed = hap_graph_fed(graph, hap_graph_edge_reader(graph, edge));

                if (z[edge] > 0 || !live[hap_graph_edge_writer(graph, edge)] ||
                    (fed >= 0 && !live[fed]))
                        continue;
                z[edge] = 1;
                alive++;
        }
        free(live);
        return (long)alive;
}

/* length[w]: the fewest edges from an input to writer w. Readers come in the
 * order in which they are computed. */
size_t hap_rank_shortest(const struct hap_graph *graph, const float *z)
{
        size_t far = graph->n_edges + 1, shortest = far;
        size_t *length = calloc((size_t)graph->n_writers, sizeof *length);

        if (!length)
                return 0;
        for (int w = graph->n_inputs; w < graph->n_writers; w++)
                length[w] = far;
        for (int r = 0; r < graph->n_readers; r++) {
                const float *in = z + graph->edge_start[r];
                int fed = hap_graph_fed(graph, r), n = hap_graph_in(graph, r);
                size_t *to = fed < 0 ? &shortest : &length[fed];

                for (int w = 0; w < n; w++) {
                        if (in[w] > 0 && length[w] + 1 < *to)
                                *to = length[w] + 1;
                }
        }
        free(length);
        return shortest == far ? 0 : shortest;
}
