/* Reports as tables for papers and programs: Markdown, LaTeX, tab-separated. */
#ifndef HAP_SHOW_SHOW_EXPORT_H
#define HAP_SHOW_SHOW_EXPORT_H

#include "show/show_read.h"

enum hap_export { HAP_EXPORT_NONE, HAP_EXPORT_MARKDOWN, HAP_EXPORT_TSV, HAP_EXPORT_LATEX };

/* Writes one table of all reports: a row for each circuit, a column for each metric. In Markdown and
 * LaTeX a cell is the mean with its 95 % interval, or its standard error if there is no interval;
 * in tab-separated lines mean, standard error, and the interval's ends are columns, with all
 * digits. With more than one report the first column is the report's file. Records of single
 * examples, differences, tests, curves and roles are left out. HAP_EINPUT: there is no report. */
int hap_show_export(const struct hap_show *show, enum hap_export how, FILE *out,
                    struct hap_error *err);

#endif
