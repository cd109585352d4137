/* The drawings of an input without a graph: curves, reports, training logs. */
#ifndef HAP_SHOW_SHOW_FIGURES_H
#define HAP_SHOW_SHOW_FIGURES_H

#include "show/show_read.h"

bool hap_show_has_figures(const struct hap_show *show);
/* Writes the first of these that there is as SVG: curves of size, values of reports, logs. */
int hap_show_figures(const struct hap_show *show, bool white, FILE *out, struct hap_error *err);
/* Writes the svg elements of all. */
int hap_draw_figures(const struct hap_show *show, FILE *out, struct hap_error *err);

#endif
