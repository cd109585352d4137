/* A summary of streams in words. */
#ifndef HAP_SHOW_SHOW_TEXT_H
#define HAP_SHOW_SHOW_TEXT_H

#include "show/show_read.h"
#include "tokenizer/tokenizer.h"

/* Writes a summary of each section; of scores and circuits, it lists the `top` strongest edges (0: 20),
 * of reports with single examples the first `top` (0: 10). With a tokenizer (NULL: none), tokens that
 * were predicted are texts. */
int hap_show_text(const struct hap_show *show, size_t top, const struct hap_tokenizer *tokenizer,
                  FILE *out, struct hap_error *err);

#endif
