/* Whether sections of scores can be used together. */
#ifndef HAP_ATTRIB_SAME_SCORES_H
#define HAP_ATTRIB_SAME_SCORES_H

#include "graph/edges.h"

/* What is known of the first section. */
struct hap_scores_place {
        const json_t *header;
        const char *name; /* of its file */
        const struct hap_graph *graph;
};

/* HAP_EINPUT: the section's graph or model differs from that of the first. */
int hap_scores_check_same(const struct hap_scores_place *first, const struct hap_edges *scores,
                          struct hap_error *err);

#endif
