#include "convert/edge_parts.h"

#include <string.h>

bool hap_edge_parts(const char *edge, size_t n, struct hap_edge_parts *parts)
{
        const char *end = edge + n, *arrow = memmem(edge, n, "->", 2), *mark;

        if (!arrow)
                return false;
        *parts = (struct hap_edge_parts){.writer = edge, .n_writer = (size_t)(arrow - edge),
                                         .reader = arrow + 2};
        mark = memchr(parts->reader, '@', (size_t)(end - parts->reader));
        parts->n_reader = (size_t)((mark ? mark : end) - parts->reader);
        if (mark) {
                parts->position = mark + 1;
                parts->n_position = (size_t)(end - parts->position);
        }
        return true;
}
