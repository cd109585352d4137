/* Training logs as curves: KL and sparsity against the step. */
#ifndef HAP_SHOW_SHOW_PLOT_H
#define HAP_SHOW_SHOW_PLOT_H

#include "show/show_read.h"

/* Writes the svg element of all logs. */
void hap_plot(const struct hap_show *show, bool white, FILE *out);

#endif
