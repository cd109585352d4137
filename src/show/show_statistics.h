/* The tables of a report that compare circuits. */
#ifndef HAP_SHOW_SHOW_STATISTICS_H
#define HAP_SHOW_SHOW_STATISTICS_H

#include <jansson.h>
#include <stdio.h>

#include "common/error.h"

/* Text of a mean: "0.34 [0.31, 0.38]" with an interval, else "0.34 ± 0.55" with a standard
 * deviation, else "0.34"; "-" without a value. Of random circuits also the percentage that
 * is as good as the circuit: "10.1 ± 1.4, 0 %". */
#define HAP_MEAN_TEXT 96
void hap_mean_text(const json_t *value, const json_t *record, char *text);

/* Writes a row for every two circuits and a column for every metric; nothing if no record is a
 * difference. A difference whose p-value, corrected for the number of pairs, is below 1 − level
 * ends in '*'. */
int hap_write_differences(const json_t *records, FILE *out, struct hap_error *err);

/* Writes a row for every test of a circuit, then the edges that minimality does not need;
 * nothing if no record is of a test. */
int hap_write_tests(const json_t *records, FILE *out, struct hap_error *err);

#endif
