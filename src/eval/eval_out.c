/* The records of an evaluation. */
#include <math.h>
#include <stdlib.h>

#include "eval/eval.h"
#include "eval/intervals.h"

static void pack_names(msgpack_packer *packer, const char *circuit, const char *metric)
{
        hap_pack_text_entry(packer, "circuit", circuit);
        hap_pack_text_entry(packer, "metric", metric);
}

/* Packs what is known of the mean's uncertainty, and returns the number of fields; packer NULL:
 * only counts them. */
static unsigned pack_uncertainty(msgpack_packer *packer, double sd, size_t n,
                                 const struct hap_interval *interval, double level)
{
        const double se = isnan(sd) ? interval->se : sd / sqrt((double)n);
        const bool has_interval = isfinite(interval->low) && isfinite(interval->high);

        if (packer && !isnan(sd))
                hap_pack_number_entry(packer, "sd", sd);
        if (packer && !isnan(se))
                hap_pack_number_entry(packer, "se", se);
        if (packer && has_interval) {
                hap_pack_number_entry(packer, "low", interval->low);
                hap_pack_number_entry(packer, "high", interval->high);
                hap_pack_number_entry(packer, "level", level);
        }
        return !isnan(sd) + !isnan(se) + 3u * has_interval;
}

static int write_mean(const struct hap_evaluation *evaluation,
                      const struct hap_evaluated *circuit, const struct hap_metric *metric,
                      struct hap_stream_out *out, struct hap_error *err)
{
        const struct hap_intervals *intervals = evaluation->intervals;
        const double level = intervals ? intervals->options.level : NAN;
        struct hap_interval interval = {NAN, NAN, NAN};
        msgpack_packer *packer;
        double value, sd;
        int rc = hap_evaluation_value(evaluation, circuit, metric, &value, &sd, err);

        if (rc < 0)
                return rc;
        if (intervals)
                interval = hap_intervals_mean(intervals, (size_t)(circuit - evaluation->circuits),
                                              metric);
        packer = hap_stream_out_record(out);
        msgpack_pack_map(packer, 6 + pack_uncertainty(NULL, sd, evaluation->n, &interval, level));
        pack_names(packer, circuit->name, metric->name);
        hap_pack_number_entry(packer, "value", value);
        pack_uncertainty(packer, sd, evaluation->n, &interval, level);
        hap_pack_count_entry(packer, "examples", evaluation->n);
        hap_pack_count_entry(packer, "edges", circuit->edges);
        hap_pack_number_entry(packer, "sparsity", hap_evaluation_sparsity(evaluation, circuit));
        return hap_stream_out_end_record(out, err);
}

int hap_evaluation_write_value(const char *circuit, const char *metric, const char *id,
                               double value, struct hap_stream_out *out, struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_record(out);

        msgpack_pack_map(packer, 4);
        pack_names(packer, circuit, metric);
        hap_pack_text_entry(packer, "id", id);
        hap_pack_number_entry(packer, "value", value);
        return hap_stream_out_end_record(out, err);
}

int hap_evaluation_write_each(const struct hap_evaluation *evaluation,
                              const struct hap_evaluated *circuit, const struct hap_metric *metric,
                              struct hap_stream_out *out, struct hap_error *err)
{
        double *values;
        int rc = HAP_OK;

        if (!metric->value && !metric->each_example) /* not of one example */
                return HAP_OK;
        values = hap_evaluation_each(evaluation, circuit, metric, err);
        if (!values)
                return err->code;
        for (size_t i = 0; i < evaluation->n && rc == 0; i++)
                rc = hap_evaluation_write_value(circuit->name, metric->name, evaluation->ids[i],
                                                values[i], out, err);
        free(values);
        return rc;
}

/* A record with the likeliest tokens of an example. */
static int write_prediction(const struct hap_evaluation *evaluation,
                            const struct hap_evaluated *circuit, size_t example,
                            struct hap_stream_out *out, struct hap_error *err)
{
        const size_t n = (size_t)evaluation->n_predictions;
        const struct hap_prediction *items = circuit->predictions + example * n;
        msgpack_packer *packer = hap_stream_out_record(out);
        size_t found = 0;

        while (found < n && items[found].token >= 0)
                found++;
        msgpack_pack_map(packer, 3);
        hap_pack_text_entry(packer, "circuit", circuit->name);
        hap_pack_text_entry(packer, "id", evaluation->ids[example]);
        hap_pack_text(packer, "predictions");
        msgpack_pack_array(packer, found);
        for (size_t i = 0; i < found; i++) {
                msgpack_pack_array(packer, 2);
                msgpack_pack_int32(packer, items[i].token);
                msgpack_pack_double(packer, (double)items[i].probability);
        }
        return hap_stream_out_end_record(out, err);
}

int hap_evaluation_write(const struct hap_evaluation *evaluation,
                         const struct hap_metric_list *metrics, bool each,
                         struct hap_stream_out *out, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < evaluation->n_circuits && rc == 0; i++) {
                const struct hap_evaluated *circuit = evaluation->circuits + i;

                for (int m = 0; m < metrics->n && rc == 0 && !circuit->quiet; m++) {
                        rc = write_mean(evaluation, circuit, metrics->items[m], out, err);
                        if (rc == 0 && each)
                                rc = hap_evaluation_write_each(evaluation, circuit,
                                                               metrics->items[m], out, err);
                }
                for (size_t k = 0; circuit->predictions && k < evaluation->n && rc == 0; k++)
                        rc = write_prediction(evaluation, circuit, k, out, err);
        }
        return rc;
}
