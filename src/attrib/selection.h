/* A circuit selected from one scores section, or from the union of several. */
#ifndef HAP_ATTRIB_SELECTION_H
#define HAP_ATTRIB_SELECTION_H

#include <jansson.h>

#include "attrib/select.h"

struct hap_selection {
        json_t *header; /* of the first section; owned */
        char *name;     /* of the first section's file, for messages */
        struct hap_graph graph;
        float *z;        /* [n_edges] */
        double *score;   /* [n_edges]: of the section; NULL: of several sections, or of circuits */
        size_t selected; /* edges, before dead ones were dropped */
        size_t kept;     /* edges, after dead ones were dropped */
        size_t sections;
};

/* Joins the section's header to the selection's, without selecting edges; *selection is zero before
 * the first call. HAP_EINPUT: the section's graph or model differs from that of the first. */
int hap_selection_join(struct hap_selection *selection, const struct hap_edges *edges,
                       struct hap_error *err);

/* Adds the edges selected from the section; *selection is zero before the first call.
 * HAP_EINPUT: the section's graph or model differs from that of the first. */
int hap_selection_add(struct hap_selection *selection, const struct hap_edges *scores,
                      const struct hap_selection_options *options, struct hap_error *err);

/* Adds the named edges and nodes, drops dead edges unless keep_dead, and counts. Named
 * edges stay even if they are dead. */
int hap_selection_finish(struct hap_selection *selection, const char *const *always,
                         size_t n_always, bool keep_dead, struct hap_error *err);

/* Whether edges were selected and all of them are dead, after hap_selection_finish. */
bool hap_selection_is_dead(const struct hap_selection *selection);

/* HAP_EUSAGE if no edge is selected, HAP_EINPUT if all are dead: neither is a circuit. */
int hap_selection_check(const struct hap_selection *selection, struct hap_error *err);

/* The header's "selection": order, selected edges and sections; keep (in edges, or
 * nodes), threshold, nodes, greedy and layer_quota if they are given. New reference, or NULL. */
json_t *hap_selection_describe(const struct hap_selection *selection,
                               const struct hap_selection_options *options);
/* Writes the circuit under the header, with the scores of its edges as its ranking. */
int hap_selection_write(const struct hap_selection *selection,
                        const struct hap_selection_options *options, json_t *header,
                        struct hap_stream_out *out, struct hap_error *err);
void hap_selection_release(struct hap_selection *selection);

#endif
