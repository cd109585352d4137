/* Scores with confidence: which edges have a score that is not 0 by chance. */
#ifndef HAP_ATTRIB_CONFIDENCE_H
#define HAP_ATTRIB_CONFIDENCE_H

#include "attrib/example_scores.h"
#include "graph/edges.h"

struct hap_confidence {
        size_t resamples; /* of the bootstrap; at least 2 */
        double level;     /* of the intervals: 0.95 */
};

/* *edges = the mean scores of the edges whose interval excludes 0; the others have no score. The
 * intervals are those of the bootstrap over examples, bias-corrected and accelerated
 * (common/bootstrap.h), for each edge by itself; the seed is 0. HAP_EINPUT: scores of nodes, or of
 * fewer than two examples; every interval contains 0. */
int hap_confident_edges(const struct hap_example_scores *scores,
                        const struct hap_confidence *confidence, struct hap_edges *edges,
                        struct hap_error *err);

#endif
