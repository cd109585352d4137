/* A web page that needs no network. */
#ifndef HAP_SHOW_SHOW_HTML_H
#define HAP_SHOW_SHOW_HTML_H

#include "show/show_read.h"
#include "tokenizer/tokenizer.h"

/* Writes the page: the sections as data, and the script that draws them. It begins with the
 * `top` strongest edges (0: all of a circuit, 200 of scores). tokenizer: for the tokens of
 * prompts, or NULL. Reports, curves and logs are drawn if there is no graph. */
int hap_show_html(const struct hap_show *show, size_t top, const struct hap_tokenizer *tokenizer,
                  FILE *out, struct hap_error *err);

#endif
