/* A picture of a graph as SVG. */
#ifndef HAP_SHOW_SHOW_SVG_H
#define HAP_SHOW_SHOW_SVG_H

#include <stdbool.h>

#include "show/drawing.h"

/* Writes the svg element. Every edge has a title and names its nodes in attributes. */
int hap_draw(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);
int hap_show_svg(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);

#endif
