#include "merge/merge_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/paired.h"
#include "merge/merge_curve.h"

/* --- reading --- */

static json_t *text_of(const msgpack_object *record, const char *key)
{
        const msgpack_object *text = hap_map_get(record, key);

        return text && text->type == MSGPACK_OBJECT_STR
                       ? hap_json_plain_text(text) : NULL;
}

/* Whether all keys of the record are among these. */
static bool has_only(const msgpack_object *record, const char *const *keys, size_t n)
{
        for (uint32_t i = 0; i < record->via.map.size; i++) {
                size_t k = 0;

                while (k < n && !hap_object_is_text(&record->via.map.ptr[i].key, keys[k]))
                        k++;
                if (k == n)
                        return false;
        }
        return true;
}

static json_t *last_of(json_t *array)
{
        return json_array_get(array, json_array_size(array) - 1);
}

/* A mean begins the next [circuit, metric, 0], a point of a curve one with a fourth value. */
static int add_mean(struct hap_part *part, json_t *circuit, json_t *metric,
                    const msgpack_object *record)
{
        json_t *point;

        if (!hap_merge_is_point(record))
                return json_array_append_new(part->layout,
                                             json_pack("[O, O, i]", circuit, metric, 0));
        point = hap_merge_point_of(record);
        return point ? json_array_append_new(part->layout, json_pack("[O, O, i, o]", circuit,
                                                                     metric, 0, point)) : -1;
}

/* The value of the next example of the current mean. */
static int add_value(struct hap_stream_in *in, struct hap_part *part, json_t *circuit,
                     json_t *metric, json_t *id, double value, struct hap_error *err)
{
        json_t *current = last_of(part->layout);
        const size_t at = (size_t)json_integer_value(json_array_get(current, 2));

        if (!json_equal(json_array_get(current, 0), circuit) ||
            !json_equal(json_array_get(current, 1), metric))
                return hap_stream_in_fail(in, err, "it follows no mean of its circuit and metric");
        if (at == json_array_size(part->ids) && json_array_append(part->ids, id) < 0)
                return hap_fail_memory(err, "values");
        if (at >= part->examples || !json_equal(json_array_get(part->ids, at), id))
                return hap_stream_in_fail(in, err, "the examples of its metric are not those of "
                                          "the first");
        if (hap_part_add_value(part, value, err) < 0)
                return err->code;
        return json_array_set_new(current, 2, json_integer((json_int_t)at + 1)) < 0
                       ? hap_fail_memory(err, "values") : HAP_OK;
}

/* Records that are no means over examples. */
static const struct {
        const char *key, *what, *remedy;
} refused[] = {
        {"test", "a test is not a mean over examples", "run hap-eval --test on the whole task, with "
         "mpirun on several machines"},
        {"as_good", "it has no values of random circuits for single examples", "run hap-eval "
         "--random on the whole task, with mpirun on several machines"},
        {"against", "it is a difference of means", "leave out --compare in hap-eval, and call "
         "hap-merge --compare"},
        {"predictions", "it lists predictions", "leave out --predict, or read the report of each "
         "shard by itself"},
        {"class", "it is of a class of nodes", "run hap-eval --classes or --roles on the whole task"},
        {"role", "it is of a role", "run hap-eval --roles on the whole task"},
};

static int refuse(struct hap_stream_in *in, const msgpack_object *record, struct hap_error *err)
{
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
                if (hap_map_get(record, refused[i].key))
                        return hap_stream_in_fail(in, err, "%s and cannot be merged: %s",
                                                  refused[i].what, refused[i].remedy);
        return hap_stream_in_fail(in, err, "only metrics and their values for single examples can be "
                                  "merged");
}

static int read_record(struct hap_stream_in *in, const msgpack_object *record,
                       struct hap_part *part, struct hap_error *err)
{
        static const char *const of_mean[] = {"circuit", "metric", "value", "sd", "se", "low",
                                              "high", "level", "examples", "edges", "sparsity"};
        static const char *const of_example[] = {"circuit", "metric", "id", "value"};
        json_t *circuit, *metric, *id;
        double value;
        int rc = HAP_OK;

        if (hap_map_get(record, "seeds") || hap_merge_is_area(record))
                return HAP_OK;
        circuit = text_of(record, "circuit");
        metric = text_of(record, "metric");
        id = text_of(record, "id");
        if (!circuit || !metric || !hap_object_number(hap_map_get(record, "value"), &value) ||
            !(id ? has_only(record, of_example, 4)
                 : hap_merge_is_point(record) || has_only(record, of_mean, 11)))
                rc = refuse(in, record, err);
        else if (id)
                rc = add_value(in, part, circuit, metric, id, value, err);
        else if (add_mean(part, circuit, metric, record) < 0)
                rc = hap_fail_memory(err, "values");
        json_decref(circuit);
        json_decref(metric);
        json_decref(id);
        return rc;
}

int hap_merge_report_read(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err)
{
        msgpack_object record;
        json_t *mean, *n;
        size_t i;
        int rc = HAP_OK;

        part->layout = json_array();
        part->ids = json_array();
        while (rc == 0 && (rc = hap_stream_in_record(in, &record, err)) > 0)
                rc = read_record(in, &record, part, err);
        if (rc == 0 && json_array_size(part->ids) == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot merge '%s': it has no values of single "
                              "examples; hap-eval --per-example writes them", part->name);
        json_array_foreach(part->layout, i, mean) {
                n = json_array_get(mean, 2);
                if (rc == 0 && json_integer_value(n) &&
                    (size_t)json_integer_value(n) != part->examples)
                        rc = hap_fail(err, HAP_EINPUT, "cannot merge '%s': %s of '%s' has values "
                                      "of %zu examples, the report is on %zu", part->name,
                                      json_string_value(json_array_get(mean, 1)),
                                      json_string_value(json_array_get(mean, 0)),
                                      (size_t)json_integer_value(n), part->examples);
                json_integer_set(n, json_integer_value(n) != 0);
        }
        return rc;
}

/* --- the evaluation of the whole --- */

/* The metrics of the first circuit, in their order. */
static int list_metrics(const json_t *layout, struct hap_metric_list *metrics,
                        struct hap_error *err)
{
        const json_t *first = json_array_get(json_array_get(layout, 0), 0);
        char names[1024] = "";
        json_t *mean;
        size_t i;

        json_array_foreach((json_t *)layout, i, mean) {
                const char *name = json_string_value(json_array_get(mean, 1));
                const size_t used = strlen(names);

                if (!json_array_get(mean, 3) && json_equal(json_array_get(mean, 0), first))
                        snprintf(names + used, sizeof names - used, "%s%s", used ? "," : "", name);
        }
        if (hap_metric_list_parse(names, metrics, err) < 0)
                return hap_fail(err, HAP_EINPUT, "cannot merge reports: '%.200s' are not metrics "
                                "of this version", names);
        return HAP_OK;
}

static int add_circuit(struct hap_evaluation *evaluation, const json_t *about,
                       struct hap_evaluated *circuit, struct hap_error *err)
{
        const char *name = json_string_value(json_object_get(about, "name"));
        const char *digest = json_string_value(json_object_get(about, "digest"));
        const json_int_t edges = json_integer_value(json_object_get(about, "edges"));
        const json_int_t of = json_integer_value(json_object_get(about, "of"));
        const json_int_t dropped = json_integer_value(json_object_get(about, "dropped"));

        if (!name || !json_is_integer(json_object_get(about, "edges")) || edges < 0 || of < 1 ||
            edges > of || dropped < 0)
                return hap_fail(err, HAP_EINPUT, "cannot merge reports: 'circuits' of their header "
                                "is not a list of circuits");
        evaluation->n_edges = (size_t)of;
        *circuit = (struct hap_evaluated){.edges = (size_t)edges, .dropped = (size_t)dropped};
        snprintf(circuit->digest, sizeof circuit->digest, "%s", digest ? digest : "");
        if (!digest && edges == of && strcmp(name, "full") == 0)
                circuit->role = HAP_FULL_MODEL;
        if (!digest && edges == 0 && strcmp(name, "empty") == 0)
                circuit->role = HAP_EMPTY_CIRCUIT;
        circuit->name = strdup(name);
        circuit->values = calloc(evaluation->n * (size_t)evaluation->measured.n + 1,
                                 sizeof *circuit->values);
        evaluation->n_circuits++;
        return circuit->name && circuit->values ? HAP_OK : hap_fail_memory(err, "values");
}

static int add_circuits(struct hap_evaluation *evaluation, const json_t *header,
                        struct hap_error *err)
{
        const json_t *list = json_object_get(header, "circuits");
        const size_t n = json_array_size(list);
        int rc = HAP_OK;

        evaluation->circuits = calloc(n + 1, sizeof *evaluation->circuits);
        if (!evaluation->circuits)
                return hap_fail_memory(err, "circuits");
        for (size_t i = 0; i < n && rc == 0; i++)
                rc = add_circuit(evaluation, json_array_get(list, i), evaluation->circuits + i,
                                 err);
        return rc;
}

static int add_ids(struct hap_evaluation *evaluation, const struct hap_shard_set *set,
                   struct hap_error *err)
{
        json_t *id;
        size_t i;

        evaluation->ids = calloc(hap_shard_set_examples(set) + 1, sizeof *evaluation->ids);
        if (!evaluation->ids)
                return hap_fail_memory(err, "values");
        for (size_t s = 0; s < set->of; s++)
                json_array_foreach(set->parts[s].ids, i, id) {
                        evaluation->ids[evaluation->n] = strdup(json_string_value(id));
                        if (!evaluation->ids[evaluation->n])
                                return hap_fail_memory(err, "values");
                        evaluation->n++;
                }
        return HAP_OK;
}

/* Where the values of a circuit's metric begin in each part, in units of the part's examples; −1:
 * there are none. */
static long find_values(const json_t *layout, const char *circuit, const char *metric)
{
        json_t *mean;
        size_t i;
        long at = 0;

        json_array_foreach((json_t *)layout, i, mean) {
                const bool there = json_integer_value(json_array_get(mean, 2));

                /* NOLINTBEGIN(clang-analyzer-core.NonNullParamChecker): read_record() has checked */
                if (there && !json_array_get(mean, 3) &&
                    strcmp(json_string_value(json_array_get(mean, 0)), circuit) == 0 &&
                    strcmp(json_string_value(json_array_get(mean, 1)), metric) == 0)
                        return at;
                /* NOLINTEND(clang-analyzer-core.NonNullParamChecker) */
                at += there;
        }
        return -1;
}

static int fill_values(struct hap_evaluation *evaluation, const struct hap_shard_set *set,
                       struct hap_error *err)
{
        const size_t n_metrics = (size_t)evaluation->measured.n;

        for (size_t c = 0; c < evaluation->n_circuits; c++)
                for (size_t m = 0; m < n_metrics; m++) {
                        const struct hap_evaluated *circuit = evaluation->circuits + c;
                        const char *metric = evaluation->measured.items[m]->name;
                        const long at = find_values(set->parts->layout, circuit->name, metric);
                        double *to = circuit->values + m;

                        if (at < 0)
                                return hap_fail(err, HAP_EINPUT, "cannot merge reports: there are "
                                                "no values of %s of single examples for '%s'; "
                                                "hap-eval --per-example --metric %s,... writes "
                                                "them", metric, circuit->name, metric);
                        for (size_t s = 0; s < set->of; s++) {
                                const struct hap_part *part = set->parts + s;

                                for (size_t i = 0; i < part->examples; i++, to += n_metrics)
                                        *to = part->values[(size_t)at * part->examples + i];
                        }
                }
        return HAP_OK;
}

static int check_references(const struct hap_evaluation *evaluation,
                            const struct hap_metric_list *metrics, struct hap_error *err)
{
        if (hap_metric_list_normalises(metrics) &&
            !(hap_evaluation_find(evaluation, HAP_FULL_MODEL) &&
              hap_evaluation_find(evaluation, HAP_EMPTY_CIRCUIT)))
                return hap_fail(err, HAP_EINPUT, "cannot merge reports: a metric is scaled between "
                                "the full model and the empty circuit, which hap-eval --full "
                                "--empty measures");
        return HAP_OK;
}

static int write_report(const struct hap_shard_set *set, struct hap_evaluation *evaluation,
                        const struct hap_metric_list *metrics,
                        const struct hap_merge_report_options *options, struct hap_stream_out *out,
                        json_t *header, struct hap_error *err)
{
        struct hap_intervals intervals = {0};
        int rc = hap_evaluation_describe(evaluation, header, err);

        if (rc == 0 && options->intervals.resamples > 0) {
                rc = hap_intervals_init(&intervals, evaluation, &options->intervals,
                                        options->compare, err);
                /* cppcheck-suppress autoVariables ; only for this report */
                evaluation->intervals = &intervals;
        }
        if (rc == 0)
                rc = hap_stream_out_begin(out, header, err);
        if (rc == 0)
                rc = hap_evaluation_write(evaluation, metrics, true, out, err);
        if (rc == 0 && options->compare)
                rc = hap_paired_write(&intervals, metrics, out, err);
        if (rc == 0)
                rc = hap_merge_curves_write(set, evaluation, out, err);
        evaluation->intervals = NULL;
        hap_intervals_release(&intervals);
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}

int hap_merge_report_write(const struct hap_shard_set *set, struct hap_stream_out *out,
                           json_t *header, const void *options, struct hap_error *err)
{
        struct hap_metric_list metrics;
        struct hap_evaluation evaluation;
        int rc = list_metrics(set->parts->layout, &metrics, err);

        if (rc < 0)
                return rc;
        hap_evaluation_init(&evaluation, &metrics);
        rc = add_ids(&evaluation, set, err);
        if (rc == 0)
                rc = add_circuits(&evaluation, header, err);
        if (rc == 0)
                rc = fill_values(&evaluation, set, err);
        if (rc == 0)
                rc = check_references(&evaluation, &metrics, err);
        if (rc == 0)
                rc = hap_merge_curves_check(set, &evaluation, err);
        if (rc == 0)
                rc = write_report(set, &evaluation, &metrics, options, out, header, err);
        hap_evaluation_release(&evaluation);
        return rc;
}
