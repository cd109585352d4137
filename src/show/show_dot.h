/* A picture of a graph in the language of Graphviz. */
#ifndef HAP_SHOW_SHOW_DOT_H
#define HAP_SHOW_SHOW_DOT_H

#include "show/drawing.h"

int hap_show_dot(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);

#endif
