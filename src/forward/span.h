/* Rows of a batch over which an edge's mask is the same. */
#ifndef HAP_FORWARD_SPAN_H
#define HAP_FORWARD_SPAN_H

#include "forward/batch.h"

struct hap_span {
        int at;         /* prompt of the first row */
        int begin, end; /* rows */
        int position;      /* of the graph, 0 where it has but one */
        const float *z; /* the masks there, [edges_per_position]; NULL without masks */
};

/* The next span, {0} before the first; false behind the last. Rows of prompts one behind
 * the other that share their masks z[prompt] (without z: all rows) are one span; where
 * the graph tells positions apart, rows of one prompt and place. */
bool hap_span_next(const struct hap_graph *graph, const struct hap_batch *batch,
                   const struct hap_rows *rows, const float *const *z,
                   struct hap_span *span);

#endif
