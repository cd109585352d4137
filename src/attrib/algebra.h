/* Sets of circuits: intersection, union, difference, and what at least K of them have. */
#ifndef HAP_ATTRIB_ALGEBRA_H
#define HAP_ATTRIB_ALGEBRA_H

#include "attrib/selection.h"
#include "common/stream_in.h"

struct hap_algebra_options {
        bool intersect, together, difference; /* at most one; `together`: the union */
        int64_t at_least;                     /* 0: not asked for */
        bool nodes; /* count nodes rather than edges */
};

/* Whether circuits are asked for. `together` alone counts only without a selection of scores. */
bool hap_algebra_asked(const struct hap_algebra_options *options);
/* HAP_EUSAGE: options that cannot be combined. `scores`: a selection of scores is asked for. */
int hap_algebra_check(const struct hap_algebra_options *options, bool scores,
                      struct hap_error *err);

/* Reads all circuits and makes their set, as a selection that is to be finished:
 *   at least K   an edge that K circuits have, with the K-th largest of its z; the intersection is
 *                K = their number (so the smallest z), the union K = 1 (the largest)
 *   difference   an edge of the first circuit that no other has
 *   nodes        an edge that any circuit has (of the difference: the first) between nodes of which
 *                the same is true; input and logits are always among them. A node is in a circuit
 *                that has an edge into or out of it, at any position.
 * The header is the first circuit's, without its name and its pruning. HAP_EINPUT: there are fewer
 * than two circuits, or fewer than K, or they differ in graph or model. */
int hap_algebra_run(struct hap_stream_in *in, const struct hap_algebra_options *options,
                    struct hap_selection *selection, struct hap_error *err);

/* The header's "selection": {"set", "at_least", "nodes", "circuits": number}. New reference. */
json_t *hap_algebra_describe(const struct hap_algebra_options *options,
                             const struct hap_selection *selection);

#endif
