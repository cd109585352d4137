#include "attrib/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/nearest_name.h"

struct ranked {
        double key; /* larger is better */
        size_t edge;
};

/* The order of selection: the larger key first; of equal keys, the lower edge number. */
static bool ranks_before(const struct ranked *a, const struct ranked *b)
{
        return a->key != b->key ? a->key > b->key : a->edge < b->edge;
}

static int compare_ranked(const void *a, const void *b)
{
        return ranks_before(a, b) ? -1 : ranks_before(b, a);
}

static struct ranked rank_of(const struct hap_edges *scores,
                             const struct hap_selection_options *options, size_t edge)
{
        double score = scores->score[edge];

        return (struct ranked){options->by_sign ? score : fabs(score), edge};
}

static bool eligible(const struct hap_edges *scores,
                     const struct hap_selection_options *options, size_t edge)
{
        return scores->given[edge] && rank_of(scores, options, edge).key >= options->threshold;
}

/* --- top-n, as a whole or per layer --- */

static int layer_of(const struct hap_graph *graph, size_t edge)
{
        struct hap_node reader = hap_graph_reader(graph, hap_graph_edge_reader(graph, edge));

        return reader.kind == HAP_READS_LOGITS ? graph->n_layers : reader.layer;
}

/* Gives n edges to the layers one at a time, the lowest layer first, and skips layers that
 * have no more. available[layer]: the edges of the layer; share[layer]: those given to it. */
static void share_out(size_t n, int n_shares, const size_t *available, size_t *share)
{
        bool dealt = true;

        while (n > 0 && dealt) {
                dealt = false;
                for (int i = 0; i < n_shares && n > 0; i++) {
                        if (share[i] == available[i])
                                continue;
                        share[i]++;
                        n--;
                        dealt = true;
                }
        }
}

static int take_top(const struct hap_edges *scores,
                    const struct hap_selection_options *options,
                    const struct ranked *order, size_t n_order, size_t limit,
                    float *z, size_t *n, struct hap_error *err)
{
        const struct hap_graph *graph = &scores->graph;
        int n_shares = options->layer_quota ? graph->n_layers + 1 : 1;
        size_t *available = calloc((size_t)n_shares * 2, sizeof *available);
        size_t *share;

        if (!available)
                return hap_fail_memory(err, "the selection");
        share = available + n_shares;
        for (size_t i = 0; i < n_order; i++)
                available[options->layer_quota ? layer_of(graph, order[i].edge) : 0]++;
        share_out(limit, n_shares, available, share);
        for (size_t i = 0; i < n_order; i++) {
                int at = options->layer_quota ? layer_of(graph, order[i].edge) : 0;

                if (share[at] == 0)
                        continue;
                share[at]--;
                z[order[i].edge] = 1;
                (*n)++;
        }
        free(available);
        return HAP_OK;
}

/* Moves the n edges with the largest positive scores to the front, in their order, and keeps the
 * order of the others. */
static int put_positive_first(const struct hap_edges *scores, struct ranked *order,
                              size_t n_order, size_t n, struct hap_error *err)
{
        struct ranked *positive = malloc((2 * n_order + 1) * sizeof *positive);
        struct ranked *others;
        size_t n_positive = 0, n_others = 0;

        if (!positive)
                return hap_fail_memory(err, "the selection");
        others = positive + n_order;
        for (size_t i = 0; i < n_order; i++)
                if (scores->score[order[i].edge] > 0)
                        positive[n_positive++] = (struct ranked){scores->score[order[i].edge],
                                                                 order[i].edge};
        qsort(positive, n_positive, sizeof *positive, compare_ranked);
        n = n < n_positive ? n : n_positive;
        for (size_t i = 0; i < n_order; i++) {
                const struct ranked key = {scores->score[order[i].edge], order[i].edge};

                if (n == 0 || key.key <= 0 || ranks_before(&positive[n - 1], &key))
                        others[n_others++] = order[i];
        }
        memcpy(order, positive, n * sizeof *order);
        memcpy(order + n, others, n_others * sizeof *order);
        free(positive);
        return HAP_OK;
}

static int select_top(const struct hap_edges *scores,
                      const struct hap_selection_options *options,
                      size_t limit, float *z, size_t *n, struct hap_error *err)
{
        struct ranked *order = malloc(scores->graph.n_edges * sizeof *order);
        size_t n_order = 0;
        int rc;

        if (!order)
                return hap_fail_memory(err, "the selection");
        for (size_t e = 0; e < scores->graph.n_edges; e++) {
                if (eligible(scores, options, e))
                        order[n_order++] = rank_of(scores, options, e);
        }
        qsort(order, n_order, sizeof *order, compare_ranked);
        rc = options->positive_share > 0
                     ? put_positive_first(scores, order, n_order,
                                          (size_t)round(options->positive_share * (double)limit),
                                          err)
                     : HAP_OK;
        if (rc == 0)
                rc = take_top(scores, options, order, n_order, limit, z, n, err);
        free(order);
        return rc;
}

/* --- greedy --- */

/* A heap with the best edge on top. It contains no edge twice, so it never has more items
 * than the graph has edges. */
struct heap {
        struct ranked *items;
        size_t n;
};

static void swap_ranked(struct ranked *a, struct ranked *b)
{
        struct ranked c = *a;

        *a = *b;
        *b = c;
}

static void heap_push(struct heap *heap, struct ranked item)
{
        size_t at = heap->n++;

        heap->items[at] = item; /* NOLINT(clang-analyzer-unix.Malloc): a graph has edges */
        for (; at > 0 && ranks_before(&heap->items[at], &heap->items[(at - 1) / 2]);
             at = (at - 1) / 2)
                swap_ranked(&heap->items[at], &heap->items[(at - 1) / 2]);
}

static struct ranked heap_pop(struct heap *heap)
{
        struct ranked top = heap->items[0];

        heap->items[0] = heap->items[--heap->n];
        for (size_t at = 0, best = 0;; at = best) {
                for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
                        if (child < heap->n &&
                            ranks_before(&heap->items[child], &heap->items[best]))
                                best = child;
                }
                if (best == at)
                        return top;
                swap_ranked(&heap->items[at], &heap->items[best]);
        }
}

static void push_into_reader(struct heap *heap, const struct hap_edges *scores,
                             const struct hap_selection_options *options, int reader, int position)
{
        const size_t first = (size_t)position * scores->graph.edges_per_position;

        for (int w = 0; w < hap_graph_in(&scores->graph, reader); w++) {
                size_t edge = first + hap_graph_edge(&scores->graph, w, reader);

                if (eligible(scores, options, edge))
                        heap_push(heap, rank_of(scores, options, edge));
        }
}

/* The readers of a writer's node at a position: a head's q, or the MLP's reader; and a
 * head's k and v at all positions, unless the head was reached before (`again`). */
static void push_into_writer(struct heap *heap, const struct hap_edges *scores,
                             const struct hap_selection_options *options, int writer, int position,
                             bool again)
{
        const struct hap_graph *graph = &scores->graph;
        struct hap_node node = hap_graph_writer(graph, writer);

        if (node.kind == HAP_WRITES_MLP)
                push_into_reader(heap, scores, options, hap_graph_mlp_writer_reader(graph, writer),
                                 position);
        if (node.kind != HAP_WRITES_HEAD)
                return;
        push_into_reader(heap, scores, options,
                         hap_graph_head_reader(graph, node.layer, 0, node.head), position);
        for (int which = 1; which < 3 && !again; which++)
                for (int p = 0; p < graph->n_positions; p++)
                        push_into_reader(heap, scores, options,
                                         hap_graph_head_reader(graph, node.layer, which, node.head),
                                         p);
}

/* Whether the writer was reached at any position. */
static bool was_seen(const struct hap_graph *graph, const bool *seen, int writer)
{
        bool any = false;

        for (int p = 0; p < graph->n_positions; p++)
                any |= seen[p * graph->n_writers + writer];
        return any;
}

static int select_greedy(const struct hap_edges *scores,
                         const struct hap_selection_options *options,
                         size_t limit, float *z, size_t *n, struct hap_error *err)
{
        const struct hap_graph *graph = &scores->graph;
        struct heap heap = {malloc(graph->n_edges * sizeof *heap.items), 0};
        bool *seen = calloc(hap_graph_n_nodes(graph), sizeof *seen);
        int rc = HAP_OK;

        if (!heap.items || !seen) {
                rc = hap_fail_memory(err, "the selection");
                goto out;
        }
        for (int p = 0; p < graph->n_positions; p++)
                if (hap_graph_is_read(graph, p))
                        push_into_reader(&heap, scores, options, hap_graph_logits_reader(graph), p);
        for (; heap.n > 0 && *n < limit; (*n)++) {
                size_t edge = heap_pop(&heap).edge;
                size_t node = hap_graph_edge_from(graph, edge);
                int writer = hap_graph_edge_writer(graph, edge);

                z[edge] = 1;
                if (!seen[node])
                        push_into_writer(&heap, scores, options, writer,
                                         hap_graph_edge_position(graph, edge),
                                         was_seen(graph, seen, writer));
                seen[node] = true;
        }
out:
        free(heap.items);
        free(seen);
        return rc;
}

static int check_threshold(const struct hap_edges *scores,
                           const struct hap_selection_options *options,
                           struct hap_error *err)
{
        double best = -INFINITY;

        for (size_t e = 0; e < scores->graph.n_edges; e++)
                if (scores->given[e])
                        best = fmax(best, rank_of(scores, options, e).key);
        if (options->threshold <= best)
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT,
                        "no edge of '%s' reaches the threshold %g: the best has %g",
                        scores->name, options->threshold, best);
}

int hap_select_edges(const struct hap_edges *scores,
                     const struct hap_selection_options *options,
                     float *z, size_t *n, struct hap_error *err)
{
        size_t n_edges = scores->graph.n_edges;
        size_t limit =
                options->keep.given ? hap_count_or_percent_of(&options->keep, n_edges) : n_edges;

        *n = 0;
        if (options->nodes)
                return hap_select_nodes(scores, options, z, n, err);
        if (options->keep.given && !options->keep.percent && options->keep.value > (double)n_edges)
                return hap_fail(err, HAP_EUSAGE,
                                "cannot keep %.0f edges of '%s': its graph has %zu",
                                options->keep.value, scores->name, n_edges);
        if (scores->n_given == 0)
                return hap_fail(err, HAP_EINPUT, "cannot select from '%s': it contains no scores",
                                scores->name);
        if (options->layer_quota && options->greedy)
                return hap_fail(err, HAP_EUSAGE,
                                "a quota per layer cannot be combined with greedy selection");
        if (options->layer_quota && !options->keep.given)
                return hap_fail(err, HAP_EUSAGE, "a quota per layer needs an amount to share out");
        if (options->positive_share > 0 && (options->greedy || options->layer_quota))
                return hap_fail(err, HAP_EUSAGE, "a share by sign cannot be combined with %s",
                                options->greedy ? "greedy selection" : "a quota per layer");
        if (options->positive_share > 0 && !options->keep.given)
                return hap_fail(err, HAP_EUSAGE, "a share by sign needs an amount to share out");
        if (limit > 0 && options->threshold > -INFINITY &&
            check_threshold(scores, options, err) < 0)
                return err->code;
        if (options->greedy)
                return select_greedy(scores, options, limit, z, n, err);
        return select_top(scores, options, limit, z, n, err);
}

/* Whether the edge is at the position (−1: at any) and into or out of the writer, or into
 * the reader. */
static bool is_named(const struct hap_graph *graph, size_t edge, int position, int writer,
                     int reader)
{
        const int r = hap_graph_edge_reader(graph, edge);

        if (position >= 0 && hap_graph_edge_position(graph, edge) != position)
                return false;
        return r == reader || (writer >= 0 && (hap_graph_edge_writer(graph, edge) == writer ||
                                               hap_graph_reader_node(graph, r) == writer));
}

int hap_select_named(const struct hap_graph *graph, const char *name, float *z,
                     struct hap_error *err)
{
        size_t length = strlen(name);
        const int position = hap_graph_take_position(graph, name, &length);
        const int64_t edge = hap_graph_find_edge_anywhere(graph, name, length);
        const int writer = hap_graph_find_writer(graph, name, length);
        const int reader = hap_graph_find_reader(graph, name, length);
        char positions[HAP_POSITIONS_TEXT], hint[HAP_HINT];

        if (position == HAP_NO_POSITION || (edge < 0 && writer < 0 && reader < 0))
                return hap_fail(err, HAP_EUSAGE,
                                "'%s' is neither an edge nor a node of a graph of %d layers "
                                "and %d heads%s%s", name, graph->n_layers, graph->n_heads,
                                hap_positions_hint(&graph->positions, name, strlen(name), positions),
                                hap_graph_hint(graph, HAP_EDGE_NAMES | HAP_WRITER_NAMES |
                                               HAP_READER_NAMES, name, strlen(name), hint));
        for (size_t e = 0; e < graph->n_edges; e++)
                if (edge >= 0 ? (int64_t)(e % graph->edges_per_position) == edge &&
                                        (position < 0 ||
                                         hap_graph_edge_position(graph, e) == position)
                              : is_named(graph, e, position, writer, reader))
                        z[e] = 1;
        return HAP_OK;
}
