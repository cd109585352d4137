/* Tables of prompts: CSV (RFC 4180) and tab-separated lines with a header line. */
#ifndef HAP_TASK_DELIMITED_H
#define HAP_TASK_DELIMITED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Whether the first line of a text looks like a header of columns separated by `separator`: one of
 * them is "clean" or "prompt". */
bool hap_delimited_is(const char *text, size_t length, char separator);

/* Reads one row: the cells up to the next line end that is not within quotes. *used gets its
 * length with the line end, *lines the number of lines it takes. With quotes, a cell may contain
 * the separator, line ends, and quotes written twice; a tab-separated cell has no quotes. Returns
 * a new array of texts, or NULL with the reason in *why ("" for a lack of memory). */
json_t *hap_delimited_row(const char *text, size_t length, char separator, size_t *used,
                          size_t *lines, const char **why);

/* The row as an object: each cell under its column's name. Empty cells and columns without a name
 * are left out. "at" and "positions", and lists of answers, are JSON where they begin with [ or {;
 * columns named "..._idx" are numbers (token ids). HAP_EINPUT: the number of cells differs from
 * the header's, a cell is not what its column needs. `where` names the row in messages. */
int hap_delimited_object(const json_t *header, const json_t *row, const char *where,
                         json_t **object, struct hap_error *err);

#endif
