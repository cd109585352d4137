/* The name of an edge in its parts. */
#ifndef HAP_CONVERT_EDGE_PARTS_H
#define HAP_CONVERT_EDGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

/* "a0.h1->m2@S1": the writer "a0.h1", the reader "m2" and the position "S1". Each points into the
 * name and has its length; the last is NULL if there is no position. */
struct hap_edge_parts {
        const char *writer, *reader, *position;
        size_t n_writer, n_reader, n_position;
};

/* False: it has no arrow. */
bool hap_edge_parts(const char *edge, size_t n, struct hap_edge_parts *parts);

#endif
