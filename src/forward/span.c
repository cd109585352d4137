#include "forward/span.h"

/* The end of the prompts from `at` on that share their masks. */
static int end_of_shared_masks(const struct hap_batch *batch, const float *const *z, int at)
{
        int end = at + 1;

        while (end < batch->n && (z == NULL || z[end] == z[at]))
                end++;
        return end;
}

bool hap_span_next(const struct hap_graph *graph, const struct hap_batch *batch,
                   const struct hap_rows *rows, const float *const *z,
                   struct hap_span *span)
{
        const uint8_t *position;
        int at = span->at, end = span->end;

        if (end == rows->n)
                return false;
        while (rows->start[at + 1] <= end)
                at++;
        *span = (struct hap_span){.at = at, .begin = end, .z = z == NULL ? NULL : z[at]};
        if (graph->n_positions == 1) {
                span->end = rows->start[end_of_shared_masks(batch, z, at)];
                return true;
        }
        position = batch->prompts[at]->position + rows->first[at] - rows->start[at];
        span->position = position[end];
        while (end < rows->start[at + 1] && position[end] == span->position)
                end++;
        span->end = end;
        if (z != NULL)
                span->z += (size_t)span->position * graph->edges_per_position;
        return true;
}
