/* A picture of a graph as SVG. */
#ifndef HAP_SHOW_SHOW_SVG_H
#define HAP_SHOW_SHOW_SVG_H

#include <stdbool.h>

#include "show/drawing.h"

/* Writes the svg element; with `details`, every edge has a title and names its nodes in
 * attributes. */
void hap_draw(const struct hap_drawing *drawing, bool details, FILE *out);
int hap_show_svg(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);

#endif
