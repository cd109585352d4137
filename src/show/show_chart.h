/* What charts share: the style, colours, and the steps of axes. */
#ifndef HAP_SHOW_SHOW_CHART_H
#define HAP_SHOW_SHOW_CHART_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the svg element's beginning: texts have class h for bold, lines of axes class a. With
 * `white`, a white background; else the colours of texts follow the viewer's theme. */
void hap_chart_begin(FILE *out, int width, int height, bool white);

/* The colour and the dash pattern of a line; they repeat after 8. */
const char *hap_chart_colour(int line);
const char *hap_chart_dash(int line);

/* 1, 2 or 5 times a power of ten, so that about n steps fill the range. */
double hap_chart_step(double low, double high, int n);

#endif
