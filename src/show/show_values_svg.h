/* Reports as SVG: bars with intervals, or metrics against the size of circuits. */
#ifndef HAP_SHOW_SHOW_VALUES_SVG_H
#define HAP_SHOW_SHOW_VALUES_SVG_H

#include "show/show_values.h"

/* A panel for each metric, a bar for each circuit. */
void hap_draw_bars(const struct hap_values *values, bool white, FILE *out);
/* If circuits of several sizes are compared, a panel for each metric, a line for each series
 * through the means at each size, a dot for each value; the axis of sizes is logarithmic, the full
 * and the empty model are dotted lines. Bars otherwise. HAP_ESYSTEM: memory is short. */
int hap_show_values(const struct hap_show *show, bool white, FILE *out, struct hap_error *err);
bool hap_show_has_values(const struct hap_show *show);

#endif
