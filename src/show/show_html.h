/* Web pages that need no network. */
#ifndef HAP_SHOW_SHOW_HTML_H
#define HAP_SHOW_SHOW_HTML_H

#include "show/drawing.h"

/* A page with the picture and a table of its edges. */
int hap_show_html(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);
/* A page with the curves of all training logs. */
int hap_show_plot_html(const struct hap_show *show, FILE *out, struct hap_error *err);

#endif
