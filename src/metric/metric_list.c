#include "metric/metric_list.h"

#include <string.h>

#include "common/nearest.h"

int hap_metric_list_find(const struct hap_metric_list *list, const struct hap_metric *metric)
{
        for (int i = 0; i < list->n; i++)
                if (list->items[i] == metric)
                        return i;
        return -1;
}

void hap_metric_list_add(struct hap_metric_list *list, const struct hap_metric *metric)
{
        if (hap_metric_list_find(list, metric) < 0 && list->n < HAP_MAX_METRICS)
                list->items[list->n++] = metric;
}

bool hap_metric_list_normalises(const struct hap_metric_list *list)
{
        for (int i = 0; i < list->n; i++)
                if (list->items[i]->normalises)
                        return true;
        return false;
}

static int refuse_unknown(const char *name, size_t length, struct hap_error *err)
{
        struct hap_nearest best = {NULL, 0};
        char known[600] = "";

        for (int i = 0; hap_metrics[i]; i++) {
                hap_nearest_try(&best, name, length, hap_metrics[i]->name);
                strncat(known, i ? ", " : "", sizeof(known) - strlen(known) - 1);
                strncat(known, hap_metrics[i]->name, sizeof(known) - strlen(known) - 1);
        }
        hap_fail(err, HAP_EUSAGE, "there is no metric '%.*s'; the metrics are %s",
                 length < 64 ? (int)length : 64, name, known);
        return hap_fail_meant(err, &best);
}

static int add_by_name(struct hap_metric_list *list, const char *name, size_t length,
                       struct hap_error *err)
{
        for (int i = 0; hap_metrics[i]; i++) {
                const struct hap_metric *metric = hap_metrics[i];

                if (strlen(metric->name) != length || memcmp(metric->name, name, length) != 0)
                        continue;
                if (hap_metric_list_find(list, metric) >= 0)
                        return hap_fail(err, HAP_EUSAGE, "metric '%s' is given twice",
                                        metric->name);
                hap_metric_list_add(list, metric);
                return HAP_OK;
        }
        return refuse_unknown(name, length, err);
}

int hap_metric_list_parse(const char *names, struct hap_metric_list *list, struct hap_error *err)
{
        *list = (struct hap_metric_list){0};
        for (int i = 0; !names && hap_metrics[i]; i++)
                if (hap_metrics[i]->value && !hap_metrics[i]->on_request)
                        hap_metric_list_add(list, hap_metrics[i]);
        while (names) {
                const char *comma = strchr(names, ',');
                const size_t length = comma ? (size_t)(comma - names) : strlen(names);
                int rc = add_by_name(list, names, length, err);

                if (rc < 0)
                        return rc;
                names = comma ? comma + 1 : NULL;
        }
        return HAP_OK;
}
