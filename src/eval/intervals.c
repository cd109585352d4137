#include "eval/intervals.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What is computed from the means: a metric of circuit a, minus that of b unless they are
 * the same. */
struct asked {
        const struct hap_intervals *intervals;
        const struct hap_metric *metric;
        size_t a, b;
};

static size_t column_of(const struct hap_intervals *intervals, size_t circuit,
                        const struct hap_metric *metric)
{
        const struct hap_metric_list *measured = &intervals->evaluation->measured;
        const struct hap_metric *base = metric->normalises ? metric->normalises : metric;

        return circuit * intervals->columns + (metric->each_example ? (size_t)measured->n : 0) +
               (size_t)hap_metric_list_find(measured, base);
}

static double metric_of(const struct asked *asked, size_t circuit, const double *means)
{
        const struct hap_intervals *in = asked->intervals;
        const double value = means[column_of(in, circuit, asked->metric)];
        double empty;

        if (!asked->metric->normalises || asked->metric->each_example)
                return value;
        empty = means[column_of(in, in->empty, asked->metric)];
        return (value - empty) / (means[column_of(in, in->full, asked->metric)] - empty);
}

static double statistic(const void *what, const double *means)
{
        const struct asked *asked = what;
        const double value = metric_of(asked, asked->a, means);

        return asked->a == asked->b ? value : value - metric_of(asked, asked->b, means);
}

/* The full model and the empty circuit. Whether there are both. */
static bool find_references(struct hap_intervals *in)
{
        const struct hap_evaluation *evaluation = in->evaluation;
        const struct hap_evaluated *full = hap_evaluation_find(evaluation, HAP_FULL_MODEL);
        const struct hap_evaluated *empty = hap_evaluation_find(evaluation, HAP_EMPTY_CIRCUIT);

        if (full)
                in->full = (size_t)(full - evaluation->circuits);
        if (empty)
                in->empty = (size_t)(empty - evaluation->circuits);
        return full && empty;
}

/* A circuit's metrics of an example; if in->columns has room for them, also those scaled between
 * the full model and the empty circuit. */
static void gather_values(struct hap_intervals *in)
{
        const struct hap_evaluation *evaluation = in->evaluation;
        const size_t m = (size_t)evaluation->measured.n, n = evaluation->n;
        const struct hap_evaluated *circuits = evaluation->circuits;

        for (size_t c = 0; c < evaluation->n_circuits; c++)
                for (size_t i = 0; i < n; i++) {
                        double *to = in->values + (i * evaluation->n_circuits + c) * in->columns;

                        memcpy(to, circuits[c].values + i * m, m * sizeof *to);
                        for (size_t k = m; k < in->columns; k++) {
                                double empty = circuits[in->empty].values[i * m + k - m];
                                double full = circuits[in->full].values[i * m + k - m];

                                to[k] = (to[k - m] - empty) / (full - empty);
                        }
                }
}

int hap_intervals_init(struct hap_intervals *in, const struct hap_evaluation *evaluation,
                       const struct hap_interval_options *options, bool with_signs,
                       struct hap_error *err)
{
        const size_t m = (size_t)evaluation->measured.n;
        size_t columns;

        *in = (struct hap_intervals){.evaluation = evaluation, .options = *options};
        in->columns = find_references(in) ? 2 * m : m;
        columns = evaluation->n_circuits * in->columns;
        in->values = calloc(evaluation->n * columns + 1, sizeof *in->values);
        if (!in->values)
                return hap_fail_memory(err, "values");
        gather_values(in);
        if (hap_bootstrap_init(&in->bootstrap, in->values, evaluation->n, columns,
                               (size_t)options->resamples, (uint64_t)options->seed,
                               with_signs) < 0) {
                hap_intervals_release(in);
                return hap_fail_memory(err, "resamples");
        }
        return HAP_OK;
}

void hap_intervals_release(struct hap_intervals *in)
{
        hap_bootstrap_release(&in->bootstrap);
        free(in->values);
        *in = (struct hap_intervals){0};
}

struct hap_interval hap_intervals_mean(const struct hap_intervals *in, size_t c,
                                       const struct hap_metric *metric)
{
        const struct asked asked = {in, metric, c, c};

        return hap_bootstrap_interval(&in->bootstrap, statistic, &asked, in->options.level);
}

struct hap_difference hap_intervals_difference(const struct hap_intervals *in, size_t a, size_t b,
                                               const struct hap_metric *metric)
{
        const struct asked asked = {in, metric, a, b};

        return (struct hap_difference){
                .value = statistic(&asked, in->bootstrap.mean),
                .interval = hap_bootstrap_interval(&in->bootstrap, statistic, &asked,
                                                   in->options.level),
                .p = hap_bootstrap_sign_flip(&in->bootstrap, column_of(in, a, metric),
                                             column_of(in, b, metric)),
        };
}
