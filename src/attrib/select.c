#include "attrib/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ranked {
        double key; /* what the order goes by: larger is better */
        size_t edge;
};

/* The order of choice: by key, of equal keys the lower edge number first. */
static bool before(const struct ranked *a, const struct ranked *b)
{
        return a->key != b->key ? a->key > b->key : a->edge < b->edge;
}

static int compare(const void *a, const void *b)
{
        return before(a, b) ? -1 : before(b, a);
}

static struct ranked rank_of(const struct hap_edges *scores,
                             const struct hap_selection_options *how, size_t edge)
{
        double score = scores->score[edge];

        return (struct ranked){how->by_sign ? score : fabs(score), edge};
}

static bool eligible(const struct hap_edges *scores,
                     const struct hap_selection_options *how, size_t edge)
{
        return scores->given[edge] && rank_of(scores, how, edge).key >= how->threshold;
}

/* --- top-n, as a whole or per layer --- */

static int layer_of(const struct hap_graph *graph, size_t edge)
{
        struct hap_node reader = hap_graph_reader(graph, hap_graph_edge_reader(graph, edge));

        return reader.kind == HAP_READS_LOGITS ? graph->n_layers : reader.layer;
}

/* share[layer]: n edges dealt out one at a time over the layers, lowest first,
 * passing over those that have no more; room[layer] is what each has. */
static void deal(size_t n, int n_shares, const size_t *room, size_t *share)
{
        bool dealt = true;

        while (n > 0 && dealt) {
                dealt = false;
                for (int i = 0; i < n_shares && n > 0; i++) {
                        if (share[i] == room[i])
                                continue;
                        share[i]++;
                        n--;
                        dealt = true;
                }
        }
}

static int take_top(const struct hap_edges *scores, const struct hap_selection_options *how,
                    const struct ranked *order, size_t n_order, size_t limit,
                    float *z, size_t *n, struct hap_error *err)
{
        const struct hap_graph *graph = &scores->graph;
        int n_shares = how->layer_quota ? graph->n_layers + 1 : 1;
        size_t *room = calloc((size_t)n_shares * 2, sizeof *room);
        size_t *share = room + n_shares;

        if (!room)
                return hap_fail_memory(err, "the selection");
        for (size_t i = 0; i < n_order; i++)
                room[how->layer_quota ? layer_of(graph, order[i].edge) : 0]++;
        deal(limit, n_shares, room, share);
        for (size_t i = 0; i < n_order; i++) {
                int at = how->layer_quota ? layer_of(graph, order[i].edge) : 0;

                if (share[at] == 0)
                        continue;
                share[at]--;
                z[order[i].edge] = 1;
                (*n)++;
        }
        free(room);
        return HAP_OK;
}

static int select_top(const struct hap_edges *scores, const struct hap_selection_options *how,
                      size_t limit, float *z, size_t *n, struct hap_error *err)
{
        struct ranked *order = malloc(scores->graph.n_edges * sizeof *order);
        size_t n_order = 0;
        int rc;

        if (!order)
                return hap_fail_memory(err, "the selection");
        for (size_t e = 0; e < scores->graph.n_edges; e++) {
                if (eligible(scores, how, e))
                        order[n_order++] = rank_of(scores, how, e);
        }
        qsort(order, n_order, sizeof *order, compare);
        rc = take_top(scores, how, order, n_order, limit, z, n, err);
        free(order);
        return rc;
}

/* --- greedy --- */

/* A heap with the best edge on top; it never holds an edge twice, so the
 * graph's number of edges is room enough. */
struct heap {
        struct ranked *items;
        size_t n;
};

static void swap(struct ranked *a, struct ranked *b)
{
        struct ranked c = *a;

        *a = *b;
        *b = c;
}

static void heap_push(struct heap *heap, struct ranked item)
{
        size_t at = heap->n++;

        heap->items[at] = item;
        for (; at > 0 && before(&heap->items[at], &heap->items[(at - 1) / 2]); at = (at - 1) / 2)
                swap(&heap->items[at], &heap->items[(at - 1) / 2]);
}

static struct ranked heap_pop(struct heap *heap)
{
        struct ranked top = heap->items[0];

        heap->items[0] = heap->items[--heap->n];
        for (size_t at = 0, best = 0;; at = best) {
                for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
                        if (child < heap->n && before(&heap->items[child], &heap->items[best]))
                                best = child;
                }
                if (best == at)
                        return top;
                swap(&heap->items[at], &heap->items[best]);
        }
}

static void push_into_reader(struct heap *heap, const struct hap_edges *scores,
                             const struct hap_selection_options *how, int reader, int place)
{
        const size_t first = (size_t)place * scores->graph.edges_per_position;

        for (int w = 0; w < hap_graph_in(&scores->graph, reader); w++) {
                size_t edge = first + hap_graph_edge(&scores->graph, w, reader);

                if (eligible(scores, how, edge))
                        heap_push(heap, rank_of(scores, how, edge));
        }
}

/* The readers that feed a writer at a place: a head's q, an MLP's own; and unless that
 * head was there before, its k and v, at all places. */
static void push_into_writer(struct heap *heap, const struct hap_edges *scores,
                             const struct hap_selection_options *how, int writer, int place,
                             bool again)
{
        const struct hap_graph *graph = &scores->graph;
        struct hap_node node = hap_graph_writer(graph, writer);

        if (node.kind == HAP_WRITES_MLP)
                push_into_reader(heap, scores, how, hap_graph_mlp_reader(graph, node.layer),
                                 place);
        if (node.kind != HAP_WRITES_HEAD)
                return;
        push_into_reader(heap, scores, how, hap_graph_head_reader(graph, node.layer, 0, node.head),
                         place);
        for (int which = 1; which < 3 && !again; which++)
                for (int p = 0; p < graph->n_positions; p++)
                        push_into_reader(heap, scores, how,
                                         hap_graph_head_reader(graph, node.layer, which, node.head),
                                         p);
}

/* Whether the writer was reached at some place. */
static bool was_seen(const struct hap_graph *graph, const bool *seen, int writer)
{
        bool any = false;

        for (int p = 0; p < graph->n_positions; p++)
                any |= seen[p * graph->n_writers + writer];
        return any;
}

static int select_greedy(const struct hap_edges *scores, const struct hap_selection_options *how,
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
                        push_into_reader(&heap, scores, how, hap_graph_logits_reader(graph), p);
        for (; heap.n > 0 && *n < limit; (*n)++) {
                size_t edge = heap_pop(&heap).edge;
                size_t node = hap_graph_edge_from(graph, edge);
                int writer = hap_graph_edge_writer(graph, edge);

                z[edge] = 1;
                if (!seen[node])
                        push_into_writer(&heap, scores, how, writer,
                                         hap_graph_edge_position(graph, edge),
                                         was_seen(graph, seen, writer));
                seen[node] = true;
        }
out:
        free(heap.items);
        free(seen);
        return rc;
}

static int check_threshold(const struct hap_edges *scores, const struct hap_selection_options *how,
                           struct hap_error *err)
{
        double best = -INFINITY;

        for (size_t e = 0; e < scores->graph.n_edges; e++)
                if (scores->given[e])
                        best = fmax(best, rank_of(scores, how, e).key);
        if (how->threshold <= best)
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT,
                        "no edge of '%s' reaches the threshold %g: the best has %g",
                        scores->name, how->threshold, best);
}

int hap_select_edges(const struct hap_edges *scores, const struct hap_selection_options *how,
                     float *z, size_t *n, struct hap_error *err)
{
        size_t n_edges = scores->graph.n_edges;
        size_t limit = how->keep.given ? hap_count_or_percent_of(&how->keep, n_edges) : n_edges;

        *n = 0;
        if (how->keep.given && !how->keep.percent && how->keep.value > (double)n_edges)
                return hap_fail(err, HAP_EUSAGE,
                                "cannot keep %.0f edges of '%s': its graph has %zu",
                                how->keep.value, scores->name, n_edges);
        if (limit == 0 && how->keep.percent && how->keep.value > 0)
                return hap_fail(err, HAP_EUSAGE, "%g%% of the %zu edges of '%s' is none",
                                how->keep.value, n_edges, scores->name);
        if (scores->n_given == 0)
                return hap_fail(err, HAP_EINPUT, "cannot select from '%s': it holds no scores",
                                scores->name);
        if (how->layer_quota && how->greedy)
                return hap_fail(err, HAP_EUSAGE,
                                "a quota per layer and the greedy choice exclude each other");
        if (how->layer_quota && !how->keep.given)
                return hap_fail(err, HAP_EUSAGE, "a quota per layer needs an amount to share out");
        if (limit > 0 && how->threshold > -INFINITY && check_threshold(scores, how, err) < 0)
                return err->code;
        if (how->greedy)
                return select_greedy(scores, how, limit, z, n, err);
        return select_top(scores, how, limit, z, n, err);
}

/* Whether the edge is at the place, and in or out of the writer, or into the
 * reader. */
static bool is_named(const struct hap_graph *graph, size_t edge, int place, int writer, int reader)
{
        const int r = hap_graph_edge_reader(graph, edge);

        if (place >= 0 && hap_graph_edge_position(graph, edge) != place)
                return false;
        return r == reader || (writer >= 0 && (hap_graph_edge_writer(graph, edge) == writer ||
                                               hap_graph_reader_node(graph, r) == writer));
}

int hap_select_named(const struct hap_graph *graph, const char *name, float *z,
                     struct hap_error *err)
{
        size_t length = strlen(name);
        const int place = hap_graph_take_position(graph, name, &length);
        const int64_t edge = hap_graph_find_edge_anywhere(graph, name, length);
        const int writer = hap_graph_find_writer(graph, name, length);
        const int reader = hap_graph_find_reader(graph, name, length);
        char places[HAP_POSITIONS_TEXT];

        if (place == HAP_NO_POSITION || (edge < 0 && writer < 0 && reader < 0))
                return hap_fail(err, HAP_EUSAGE,
                                "'%s' is neither an edge nor a node of a graph of %d layers "
                                "and %d heads%s", name, graph->n_layers, graph->n_heads,
                                hap_positions_hint(&graph->positions, name, strlen(name), places));
        for (size_t e = 0; e < graph->n_edges; e++)
                if (edge >= 0 ? (int64_t)(e % graph->edges_per_position) == edge &&
                                        (place < 0 || hap_graph_edge_position(graph, e) == place)
                              : is_named(graph, e, place, writer, reader))
                        z[e] = 1;
        return HAP_OK;
}
