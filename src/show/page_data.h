/* The data of the page, as JSON. */
#ifndef HAP_SHOW_PAGE_DATA_H
#define HAP_SHOW_PAGE_DATA_H

#include "show/show_read.h"
#include "tokenizer/tokenizer.h"

/* Writes one object: "graph", "sections" and "edges" (a line for each edge: its name, then a
 * number or null for each column that the sections name), "tasks", "reports". '<' is written as
 * an escape, so that the text can stand in an element of a page. */
int hap_page_data(const struct hap_show *show, size_t top, const struct hap_tokenizer *tokenizer,
                  FILE *out, struct hap_error *err);

/* The section whose graph the page shows: the last circuit, or the last scores, or NULL. */
const struct hap_section *hap_page_main(const struct hap_show *show);

#endif
