/* Some metrics of the table, in the order in which they are reported. */
#ifndef HAP_METRIC_METRIC_LIST_H
#define HAP_METRIC_METRIC_LIST_H

#include "common/error.h"
#include "metric/metric.h"

#define HAP_MAX_METRICS 32

struct hap_metric_list {
        const struct hap_metric *items[HAP_MAX_METRICS];
        int n;
};

/* From names separated by commas; NULL: all metrics that a single example has, without those
 * that are only reported on request.
 * HAP_EUSAGE: a name that is unknown or given twice. */
int hap_metric_list_parse(const char *names, struct hap_metric_list *list, struct hap_error *err);

/* Where the metric is in the list, or -1. */
int hap_metric_list_find(const struct hap_metric_list *list, const struct hap_metric *metric);

/* Appends the metric unless the list contains it. */
void hap_metric_list_add(struct hap_metric_list *list, const struct hap_metric *metric);

/* Whether a metric of the list normalises another one. */
bool hap_metric_list_normalises(const struct hap_metric_list *list);

#endif
