/* The records of reports: what they are of, and their fields. */
#ifndef HAP_SHOW_SHOW_RECORD_H
#define HAP_SHOW_SHOW_RECORD_H

#include <jansson.h>
#include <stdbool.h>

/* The text of a field, or "". The record owns it. */
const char *hap_text_of(const json_t *record, const char *key);
/* The number of a field, or 0. */
double hap_number_of(const json_t *record, const char *key);

/* Whether the record is of a curve or compares with a reference circuit (hap-eval --curve,
 * --reference). */
bool hap_is_of_curve(const json_t *record);
/* Whether the record is a difference of two circuits, {"circuit", "against", ...}. */
bool hap_is_difference(const json_t *record);
/* Whether the record is of a circuit test, {"circuit", "test", ...}. */
bool hap_is_test(const json_t *record);
/* Whether the record is of a head, a node or an edge, not of a circuit (hap-eval --roles). */
bool hap_is_of_roles(const json_t *record);
/* Whether the record is a mean of a metric for a circuit: none of these, and not of a single
 * example. */
bool hap_is_mean(const json_t *record);

#endif
