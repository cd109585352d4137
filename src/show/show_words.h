/* Parts of the summary in words; inside the room only. */
#ifndef HAP_SHOW_SHOW_WORDS_H
#define HAP_SHOW_SHOW_WORDS_H

#include "show/show.h"

/* The left column of a line. */
void hap_write_label(FILE *out, const char *label);

/* Scores: how they are spread, and the `top` largest. A circuit: its size, what
 * lives, the heads of every layer, and `top` edges. */
int hap_write_edges(const struct hap_edges *edges, size_t top, FILE *out,
                    struct hap_error *err);

/* Where there are two circuits or more: a line for each, with its edges and the
 * intersection over union of them and those of every circuit above. */
void hap_write_overlap(const struct hap_show *show, FILE *out);

/* A line per circuit, a column per metric. */
int hap_write_report(const json_t *records, FILE *out, struct hap_error *err);

#endif
