#include "merge/merge_curve.h"

#include <stdlib.h>
#include <string.h>

#include "eval/curve_record.h"

static bool has(const msgpack_object *record, const char *key)
{
        return hap_map_get(record, key) != NULL;
}

bool hap_merge_is_point(const msgpack_object *record)
{
        return record->via.map.size == 11 && has(record, "order") && has(record, "size") &&
               has(record, "faithfulness");
}

bool hap_merge_is_area(const msgpack_object *record)
{
        const msgpack_object *metric = hap_map_get(record, "metric");

        return record->via.map.size == 5 && has(record, "of") && has(record, "order") && metric &&
               (hap_object_is_text(metric, "cpr") || hap_object_is_text(metric, "cmd"));
}

json_t *hap_merge_point_of(const msgpack_object *record)
{
        const msgpack_object *order = hap_map_get(record, "order");
        double size, selected, edges;

        if (order->type != MSGPACK_OBJECT_STR ||
            !hap_object_number(hap_map_get(record, "size"), &size) ||
            !hap_object_number(hap_map_get(record, "selected"), &selected) ||
            !hap_object_number(hap_map_get(record, "edges"), &edges))
                return NULL;
        return json_pack("{s:s%, s:f, s:I, s:I}", "order", order->via.str.ptr,
                         (size_t)order->via.str.size, "size", size, "selected",
                         (json_int_t)selected, "edges", (json_int_t)edges);
}

/* The mean over all examples of the values that begin at `at`, in units of a part's examples. */
static int mean_of(const struct hap_shard_set *set, size_t at, size_t n, double *mean,
                   struct hap_error *err)
{
        double *values = calloc(n + 1, sizeof *values), *to = values, sd;

        if (!values)
                return hap_fail_memory(err, "values");
        for (size_t s = 0; s < set->of; s++) {
                const struct hap_part *part = set->parts + s;

                memcpy(to, part->values + at * part->examples, part->examples * sizeof *to);
                to += part->examples;
        }
        hap_metric_mean(values, n, 1, mean, &sd);
        free(values);
        return HAP_OK;
}

/* The metric's mean of the full model or of the empty circuit. */
static int reference(const struct hap_evaluation *evaluation, enum hap_role role,
                     const char *metric, double *mean, struct hap_error *err)
{
        const struct hap_evaluated *circuit = hap_evaluation_find(evaluation, role);
        double sd;

        for (int m = 0; circuit && m < evaluation->measured.n; m++)
                if (strcmp(evaluation->measured.items[m]->name, metric) == 0) {
                        hap_evaluation_mean(evaluation, circuit, evaluation->measured.items[m],
                                            mean, &sd);
                        return HAP_OK;
                }
        return hap_fail(err, HAP_EINPUT, "cannot merge reports: a curve is scaled between the full "
                        "model and the empty circuit, which hap-eval --full --empty measures");
}

static bool same_curve(const struct hap_curve_record *a, const struct hap_curve_record *b)
{
        return a->circuit && strcmp(a->circuit, b->circuit) == 0 &&
               strcmp(a->metric, b->metric) == 0 && strcmp(a->order, b->order) == 0;
}

static struct hap_curve_record record_of(const json_t *entry,
                                         const struct hap_evaluation *evaluation)
{
        const json_t *point = json_array_get(entry, 3);

        return (struct hap_curve_record){
                .circuit = json_string_value(json_array_get(entry, 0)),
                .metric = json_string_value(json_array_get(entry, 1)),
                .order = json_string_value(json_object_get(point, "order")),
                .size = json_number_value(json_object_get(point, "size")),
                .selected = (size_t)json_integer_value(json_object_get(point, "selected")),
                .edges = (size_t)json_integer_value(json_object_get(point, "edges")),
                .all = evaluation->n_edges,
                .examples = evaluation->n};
}

/* The single examples' values of a point of the set's curves, again. */
static int write_each(const struct hap_shard_set *set, size_t at,
                      const struct hap_evaluation *evaluation,
                      const struct hap_curve_record *record, struct hap_stream_out *out,
                      struct hap_error *err)
{
        size_t example = 0;
        int rc = HAP_OK;

        for (size_t s = 0; s < set->of; s++)
                for (size_t i = 0; i < set->parts[s].examples && rc == 0; i++)
                        rc = hap_evaluation_write_value(
                                record->circuit, record->metric, evaluation->ids[example++],
                                set->parts[s].values[at * set->parts[s].examples + i], out, err);
        return rc;
}

/* A point of the curve that `record` describes: begins its areas if it is the first. */
static int write_point(const struct hap_shard_set *set, size_t at,
                       const struct hap_evaluation *evaluation, struct hap_curve_record *record,
                       struct hap_curve_areas *areas, struct hap_stream_out *out,
                       struct hap_error *err)
{
        int rc = mean_of(set, at, evaluation->n, &record->value, err);

        if (rc == 0 && areas->points == 0)
                rc = reference(evaluation, HAP_FULL_MODEL, record->metric, &areas->full, err);
        if (rc == 0 && areas->points == 0)
                rc = reference(evaluation, HAP_EMPTY_CIRCUIT, record->metric, &areas->empty, err);
        if (rc == 0)
                rc = hap_curve_write_point(record, areas, out, err);
        return rc < 0 ? rc : write_each(set, at, evaluation, record, out, err);
}

int hap_merge_curves_check(const struct hap_shard_set *set,
                           const struct hap_evaluation *evaluation, struct hap_error *err)
{
        double mean;
        json_t *entry;
        size_t i;

        json_array_foreach(set->parts->layout, i, entry) {
                const struct hap_curve_record record = record_of(entry, evaluation);

                if (!record.order)
                        continue;
                if (!json_integer_value(json_array_get(entry, 2)))
                        return hap_fail(err, HAP_EINPUT, "cannot merge reports: the curve of "
                                        "'%.200s' has no values of single examples; hap-eval "
                                        "--per-example writes them", record.circuit);
                if (reference(evaluation, HAP_FULL_MODEL, record.metric, &mean, err) < 0 ||
                    reference(evaluation, HAP_EMPTY_CIRCUIT, record.metric, &mean, err) < 0)
                        return err->code;
        }
        return HAP_OK;
}

int hap_merge_curves_write(const struct hap_shard_set *set,
                           const struct hap_evaluation *evaluation, struct hap_stream_out *out,
                           struct hap_error *err)
{
        struct hap_curve_record now = {0};
        struct hap_curve_areas areas = {0};
        json_t *entry;
        size_t i, at = 0;
        int rc = HAP_OK;

        json_array_foreach(set->parts->layout, i, entry) {
                const bool there = json_integer_value(json_array_get(entry, 2));
                const struct hap_curve_record record = record_of(entry, evaluation);

                if (record.order && rc == 0) {
                        if (areas.points && !same_curve(&now, &record)) {
                                rc = hap_curve_write_areas(&now, &areas, out, err);
                                areas = (struct hap_curve_areas){0};
                        }
                        now = record;
                        if (rc == 0)
                                rc = write_point(set, at, evaluation, &now, &areas, out, err);
                }
                at += there;
        }
        return rc == 0 && areas.points ? hap_curve_write_areas(&now, &areas, out, err) : rc;
}
