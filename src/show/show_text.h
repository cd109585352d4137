/* A summary of streams in words. */
#ifndef HAP_SHOW_SHOW_TEXT_H
#define HAP_SHOW_SHOW_TEXT_H

#include "show/show_read.h"

/* Writes a summary of each section; of scores and circuits, it lists the `top` strongest edges (0: 20). */
int hap_show_text(const struct hap_show *show, size_t top, FILE *out,
                  struct hap_error *err);

#endif
