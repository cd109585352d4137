/* Curves of hap-eval --curve: tables, and a picture of all of them. */
#ifndef HAP_SHOW_SHOW_CURVE_H
#define HAP_SHOW_SHOW_CURVE_H

#include "show/show_read.h"

/* Writes the tables of the records of curves (hap_is_of_curve), if there are any: faithfulness by
 * size with a column for each curve, then the areas and comparisons. HAP_ESYSTEM: memory is short. */
int hap_write_curves(const json_t *records, FILE *out, struct hap_error *err);

bool hap_show_has_curve(const struct hap_show *show);
/* Writes the svg element of faithfulness against size for the curves of all reports. A curve in
 * signed order is dashed. */
void hap_draw_curves(const struct hap_show *show, bool white, FILE *out);

#endif
