/* Which nodes and edges of a circuit can carry anything to the logits.
 *
 * The graph has no cycles, so the fixed point of "drop a node without an edge
 * in or out" is reached in two passes: a node lives when a path of kept edges
 * leads to it from an input, and one leads from it to the logits. */
#include <string.h>

#include "graph/graph.h"

/* No graph has more writers: its edges would be more than 2^27. */
enum { MAX_WRITERS = 1 << 16 };

/* reached[w]: some path of kept edges leads from an input to writer w.
 * Readers come in the order in which they are computed, so that a reader's
 * writers are known before it. */
static void mark_reached(const struct hap_graph *graph, const float *z, bool *reached)
{
        for (int w = 0; w < graph->n_writers; w++)
                reached[w] = w < graph->n_inputs;
        for (int r = 0; r < graph->n_readers - 1; r++) {
                const float *in = z + graph->edge_start[r];
                int fed = hap_graph_fed(graph, r), n = hap_graph_in(graph, r);

                for (int w = 0; w < n && !reached[fed]; w++)
                        reached[fed] = in[w] > 0 && reached[w];
        }
}

/* useful[w]: some path of kept edges leads from writer w to the logits. */
static void mark_useful(const struct hap_graph *graph, const float *z, bool *useful)
{
        memset(useful, 0, (size_t)graph->n_writers * sizeof *useful);
        for (int r = graph->n_readers - 1; r >= 0; r--) {
                const float *in = z + graph->edge_start[r];
                int fed = hap_graph_fed(graph, r), n = hap_graph_in(graph, r);

                if (fed >= 0 && !useful[fed])
                        continue;
                for (int w = 0; w < n; w++)
                        useful[w] |= in[w] > 0;
        }
}

void hap_graph_live(const struct hap_graph *graph, const float *z, bool *live)
{
        bool useful[MAX_WRITERS];

        mark_reached(graph, z, live);
        mark_useful(graph, z, useful);
        for (int w = 0; w < graph->n_writers; w++)
                live[w] = live[w] && useful[w];
}

size_t hap_graph_drop_dead(const struct hap_graph *graph, float *z)
{
        bool live[MAX_WRITERS];
        size_t dropped = 0;

        hap_graph_live(graph, z, live);
        for (int r = 0; r < graph->n_readers; r++) {
                float *in = z + graph->edge_start[r];
                int fed = hap_graph_fed(graph, r), n = hap_graph_in(graph, r);
                bool reads = fed < 0 || live[fed];

                for (int w = 0; w < n; w++) {
                        if (reads && live[w])
                                continue;
                        dropped += in[w] > 0;
                        in[w] = 0;
                }
        }
        return dropped;
}
