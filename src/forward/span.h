/* Rows of a batch over which an edge's mask is the same. */
#ifndef HAP_FORWARD_SPAN_H
#define HAP_FORWARD_SPAN_H

#include "forward/batch.h"

struct hap_span {
        int at;         /* prompt of the first row */
        int begin, end; /* rows */
        int position;      /* of the graph; 0 when it has only one */
        const float *z; /* the masks there, [edges_per_position]; NULL without masks */
};

/* The next span, false after the last. *span is {0} before the first call. Consecutive prompts
 * with the same masks z[prompt] (all prompts when z is NULL) are one span. When the graph
 * distinguishes positions, a span has rows of one prompt and position. */
bool hap_span_next(const struct hap_graph *graph, const struct hap_batch *batch,
                   const struct hap_rows *rows, const float *const *z,
                   struct hap_span *span);

#endif
