/* A report as a table. */
#ifndef HAP_SHOW_SHOW_REPORT_H
#define HAP_SHOW_SHOW_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "common/error.h"

/* Writes a line for each circuit and a column for each metric. */
int hap_write_report(const json_t *records, FILE *out, struct hap_error *err);

#endif
