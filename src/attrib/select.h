/* From scores to a choice of edges. */
#ifndef HAP_ATTRIB_SELECT_H
#define HAP_ATTRIB_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/number.h"
#include "graph/edges.h"

struct hap_selection_options {
        struct hap_count_or_percent keep; /* of the graph's edges; not given: no limit */
        double threshold;       /* only edges that score at least this; -INFINITY: all */
        bool by_sign;           /* the score itself counts, not its magnitude */
        /* Start from the edges into logits, take the best, add the edges into
         * its writer, and so on: what is chosen always leads to the logits. */
        bool greedy;
        /* An equal share of `keep` for the readers of every layer and for the
         * logits; what a layer has no edges for goes to the others. */
        bool layer_quota;
};

/* Sets z[edge] = 1 for every edge chosen and leaves the others alone. Edges
 * without a score are never chosen; of equal scores the lower edge number comes
 * first. Returns in *n how many were chosen. HAP_EUSAGE: more edges asked for
 * than the graph has, or a quota without an amount. */
int hap_select_edges(const struct hap_edges *scores, const struct hap_selection_options *how,
                     float *z, size_t *n, struct hap_error *err);

/* Sets z = 1 for the edge of that name, or for all edges into and out of the
 * node (into the reader, for a name such as a5.h1<q>). HAP_EUSAGE: neither. */
int hap_select_named(const struct hap_graph *graph, const char *name, float *z,
                     struct hap_error *err);

/* A circuit in the making, from one scores section or from the union of several. */
struct hap_selection {
        json_t *header; /* of the first section; owned */
        char *name;     /* of its file, for messages */
        struct hap_graph graph;
        float *z;        /* [n_edges] */
        size_t selected; /* before dead edges were dropped */
        size_t kept;
        size_t sections;
};

/* Adds what is selected from the section; *choice is zeroed before the first.
 * HAP_EINPUT: a section of another graph or another model than the first. */
int hap_selection_add(struct hap_selection *choice, const struct hap_edges *scores,
                   const struct hap_selection_options *how, struct hap_error *err);
/* Adds the edges and nodes named, drops dead edges unless they are to be kept,
 * and counts. Edges that are named stay even when they are dead. HAP_EINPUT:
 * edges were selected and all are dead. */
int hap_selection_finish(struct hap_selection *choice, const char *const *always,
                      size_t n_always, bool keep_dead, struct hap_error *err);
/* The header's selection: order, edges selected and sections, and of keep (in edges),
 * threshold, greedy and layer_quota what is given. New reference, or NULL. */
json_t *hap_selection_describe(const struct hap_selection *choice, const struct hap_selection_options *how);
void hap_selection_release(struct hap_selection *choice);

#endif
