/* Selection of edges by their scores. */
#ifndef HAP_ATTRIB_SELECT_H
#define HAP_ATTRIB_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/number.h"
#include "graph/edges.h"

struct hap_selection_options {
        struct hap_count_or_percent keep; /* of the graph's edges; not given: no limit */
        double threshold; /* only edges that score at least this; -INFINITY: all */
        /* This share of `keep`, from 0 to 1, goes to the edges with the largest positive scores
         * first; the rest is taken in the order below. */
        double positive_share;
        bool by_sign;     /* order by the score itself, not by its magnitude */
        /* Start with the edges into the logits, take the best one, add the edges into its
         * writer, and so on: every selected edge leads to the logits. */
        bool greedy;
        /* Give the readers of every layer, and the logits, an equal share of `keep`. The part
         * of a share for which a layer has no edges goes to the others. */
        bool layer_quota;
        /* Select heads and MLPs instead, and keep all edges between them, from the inputs and to
         * the logits. `keep` and `threshold` are about nodes. The score of a node is the sum of
         * the scores of its outgoing edges: the effect of corrupting its output. */
        bool nodes;
};

/* Sets z[edge] = 1 for every selected edge and does not change the others. Edges without a
 * score are never selected; of equal scores, the lower edge number comes first. Sets *n to
 * the number of selected edges. HAP_EUSAGE: `keep` is more edges than the graph has, or
 * less than one edge; layer_quota or positive_share without `keep`, or with greedy; both of
 * them. */
int hap_select_edges(const struct hap_edges *scores, const struct hap_selection_options *options,
                     float *z, size_t *n, struct hap_error *err);

/* The same with options->nodes; hap_select_edges calls it. HAP_EUSAGE also: greedy or layer_quota. */
int hap_select_nodes(const struct hap_edges *scores, const struct hap_selection_options *options,
                     float *z, size_t *n, struct hap_error *err);

/* Sets z = 1 for the edge of that name, or for all edges into and out of the node of that
 * name (into the reader, for a name such as a5.h1<q>). HAP_EUSAGE: no edge or node has it. */
int hap_select_named(const struct hap_graph *graph, const char *name, float *z,
                     struct hap_error *err);

#endif
