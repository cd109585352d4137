/* The values of reports that charts draw. */
#ifndef HAP_SHOW_SHOW_VALUES_H
#define HAP_SHOW_SHOW_VALUES_H

#include "show/show_read.h"

/* A value of a metric, for a circuit: one record of a report. */
struct hap_value {
        const char *metric, *circuit, *file; /* borrowed from the sections */
        double value, low, high;             /* low, high: the interval, or value ± sd, or NaN */
        double size;                         /* the share of edges that is kept, or NaN */
        bool reference;                      /* of the full or the empty model */
};

struct hap_values {
        struct hap_value *items; /* in the order of the input */
        size_t n;
        const char **metrics; /* each once */
        size_t n_metrics;
};

/* Of the reports' records, those that are means of a metric: not those of single examples,
 * curves, differences or tests. */
int hap_values_read(struct hap_values *values, const struct hap_show *show,
                    struct hap_error *err);
void hap_values_release(struct hap_values *values);

/* The name of the circuit's series: the circuit's name, or its file's if the reports' circuits are
 * numbered, without sizes, seeds and file endings: "rank" of "rank-94%.s1". At most size bytes. */
void hap_series_name(const struct hap_value *value, char *name, size_t size);

/* Whether the values are of a sweep: a series has three sizes, or two series have two. */
bool hap_values_sweep(const struct hap_values *values);

#endif
