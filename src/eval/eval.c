#include "eval/eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "forward/engine.h"

void hap_evaluation_release(struct hap_evaluation *evaluation)
{
        for (size_t i = 0; i < evaluation->n_circuits; i++) {
                free(evaluation->circuits[i].name);
                free(evaluation->circuits[i].z);
                free(evaluation->circuits[i].values);
                free(evaluation->circuits[i].predictions);
        }
        for (size_t i = 0; i < evaluation->n; i++)
                free(evaluation->ids[i]);
        free(evaluation->circuits);
        free(evaluation->ids);
        *evaluation = (struct hap_evaluation){0};
}

static bool is_name_taken(const struct hap_evaluation *evaluation, const char *name)
{
        for (size_t i = 0; i < evaluation->n_circuits; i++) {
                const struct hap_evaluated *circuit = evaluation->circuits + i;

                if (!circuit->quiet && strcmp(circuit->name, name) == 0)
                        return true;
        }
        return false;
}

int hap_evaluation_add(struct hap_evaluation *evaluation, const struct hap_graph *graph,
                       enum hap_role role, const char *name, const float *z, bool keep_dead,
                       struct hap_evaluated **circuit, struct hap_error *err)
{
        struct hap_evaluated *circuits, new = {.role = role};
        char number[32];
        size_t n = 1;

        for (size_t i = 0; i < evaluation->n_circuits; i++)
                n += evaluation->circuits[i].role == HAP_A_CIRCUIT;
        snprintf(number, sizeof number, "circuit %zu", n);
        name = name ? name : number;
        if (is_name_taken(evaluation, name))
                return hap_fail(err, HAP_EUSAGE, "two lines of the report would be called '%s': "
                                "give each circuit its own --name", name);
        new.name = strdup(name);
        new.z = calloc(graph->n_edges, sizeof *new.z);
        circuits = reallocarray(evaluation->circuits, evaluation->n_circuits + 1,
                                sizeof *circuits);
        if (circuits)
                evaluation->circuits = circuits;
        if (!circuits || !new.name || !new.z) {
                free(new.name);
                free(new.z);
                return hap_fail_memory(err, "circuits");
        }
        for (size_t e = 0; e < graph->n_edges; e++)
                new.z[e] = z ? z[e] : role == HAP_FULL_MODEL;
        if (!keep_dead && role != HAP_FULL_MODEL)
                new.dropped = hap_graph_drop_dead(graph, new.z);
        new.edges = hap_graph_count_kept(graph, new.z);
        evaluation->n_edges = graph->n_edges;
        circuits += evaluation->n_circuits++;
        *circuits = new;
        *circuit = circuits;
        return HAP_OK;
}

int hap_evaluation_add_complement(struct hap_evaluation *evaluation,
                                  const struct hap_graph *graph, bool keep_dead,
                                  struct hap_error *err)
{
        const struct hap_evaluated *of = evaluation->circuits + evaluation->n_circuits - 1;
        float *z = malloc(graph->n_edges * sizeof *z);
        struct hap_evaluated *circuit;
        char *name;
        int rc;

        if (!z || asprintf(&name, "%s, cut out", of->name) < 0) {
                free(z);
                return hap_fail_memory(err, "circuits");
        }
        for (size_t e = 0; e < graph->n_edges; e++)
                z[e] = 1 - of->z[e];
        rc = hap_evaluation_add(evaluation, graph, HAP_A_COMPLEMENT, name, z, keep_dead, &circuit,
                                err);
        free(name);
        free(z);
        return rc;
}

/* --- running --- */

void hap_evaluation_init(struct hap_evaluation *evaluation, const struct hap_metric_list *metrics)
{
        *evaluation = (struct hap_evaluation){0};
        for (int i = 0; i < metrics->n; i++) {
                const struct hap_metric *metric = metrics->items[i];

                hap_metric_list_add(&evaluation->measured,
                                    metric->normalises ? metric->normalises : metric);
        }
}

static int reserve_predictions(const struct hap_evaluation *evaluation,
                               struct hap_evaluated *circuit, size_t capacity,
                               struct hap_error *err)
{
        const size_t n = (size_t)evaluation->n_predictions;
        struct hap_prediction *items;

        if (n == 0 || circuit->quiet)
                return HAP_OK;
        items = reallocarray(circuit->predictions, capacity, n * sizeof *items);
        if (!items)
                return hap_fail_memory(err, "predictions");
        circuit->predictions = items;
        return HAP_OK;
}

static int reserve_examples(struct hap_evaluation *evaluation, size_t more, struct hap_error *err)
{
        size_t capacity = evaluation->capacity ? evaluation->capacity : 256;
        char **ids;

        while (capacity < evaluation->n + more)
                capacity *= 2;
        if (capacity == evaluation->capacity)
                return HAP_OK;
        ids = reallocarray(evaluation->ids, capacity, sizeof *ids);
        if (!ids)
                return hap_fail_memory(err, "values");
        evaluation->ids = ids;
        for (size_t i = 0; i < evaluation->n_circuits; i++) {
                struct hap_evaluated *circuit = evaluation->circuits + i;
                double *values = reallocarray(circuit->values,
                                              capacity * (size_t)evaluation->measured.n,
                                              sizeof *values);

                if (!values)
                        return hap_fail_memory(err, "values");
                circuit->values = values;
                if (reserve_predictions(evaluation, circuit, capacity, err) < 0)
                        return err->code;
        }
        evaluation->capacity = capacity;
        return HAP_OK;
}

static void note_missing(struct hap_missing *missing, const char *id)
{
        if (missing->n++ == 0)
                missing->first = id;
}

static int note_examples(struct hap_evaluation *evaluation, const struct hap_prompts *prompts,
                         struct hap_error *err)
{
        for (size_t i = 0; i < prompts->n; i++) {
                const struct hap_example *example = prompts->examples + i;
                char *id = strdup(example->id);

                if (!id)
                        return hap_fail_memory(err, "values");
                evaluation->ids[evaluation->n++] = id;
                if (example->n_answers == 0)
                        note_missing(&evaluation->answers, id);
                if (example->n_wrongs == 0)
                        note_missing(&evaluation->wrongs, id);
                if (example->whole)
                        note_missing(&evaluation->whole, id);
        }
        return HAP_OK;
}

int hap_evaluation_run(struct hap_evaluation *evaluation, const struct hap_engine *engine,
                       const struct hap_prompts *prompts, struct hap_error *err)
{
        const struct hap_metric_list *measured = &evaluation->measured;
        int rc = reserve_examples(evaluation, prompts->n, err);

        for (size_t i = 0; i < evaluation->n_circuits && rc == 0; i++) {
                struct hap_evaluated *circuit = evaluation->circuits + i;
                struct hap_predictions predictions = {0};

                if (circuit->predictions) {
                        predictions.n = evaluation->n_predictions;
                        predictions.items = circuit->predictions +
                                            evaluation->n * (size_t)predictions.n;
                }
                rc = hap_evaluate_predicting(engine, prompts,
                                             circuit->role == HAP_FULL_MODEL ? NULL : circuit->z,
                                             measured->items, measured->n,
                                             circuit->values + evaluation->n * (size_t)measured->n,
                                             &predictions, err);
                if (rc < 0)
                        return hap_fail_within(err, "%s", circuit->name);
        }
        return rc < 0 ? rc : note_examples(evaluation, prompts, err);
}

/* A metric that needs any answers must have right ones here: its mean would otherwise be
 * over two different quantities. */
static bool can_measure(const struct hap_evaluation *evaluation, const struct hap_metric *metric)
{
        const unsigned right = HAP_NEEDS_ANSWERS | HAP_NEEDS_ANY_ANSWERS;

        return !((metric->needs & right) && evaluation->answers.n) &&
               !((metric->needs & HAP_NEEDS_WRONG_ANSWERS) && evaluation->wrongs.n);
}

/* Such a metric is reported only on request. */
static int check_whole(const struct hap_evaluation *evaluation, const struct hap_metric_list *metrics,
                       struct hap_error *err)
{
        for (int i = 0; evaluation->whole.n && i < metrics->n; i++) {
                const struct hap_metric *metric = metrics->items[i];

                if (!hap_metric_takes_whole(metric))
                        return hap_fail(err, HAP_EINPUT, "cannot measure %s: it is not defined for "
                                        "answers of several tokens, which %zu of %zu examples have, "
                                        "the first is '%s'; use %s", metric->name,
                                        evaluation->whole.n, evaluation->n, evaluation->whole.first,
                                        metric->instead ? metric->instead : "kl");
        }
        return HAP_OK;
}

int hap_evaluation_check(const struct hap_evaluation *evaluation,
                         struct hap_metric_list *metrics, bool asked_for,
                         struct hap_error *err)
{
        const bool answers = evaluation->answers.n > 0;
        const struct hap_missing *missing = answers ? &evaluation->answers : &evaluation->wrongs;
        const int asked = metrics->n;
        int kept = 0;
        char why[300];

        if (check_whole(evaluation, metrics, err) < 0)
                return err->code;
        snprintf(why, sizeof why, "%zu of %zu examples lack %s, the first is '%s'", missing->n,
                 evaluation->n, answers ? "answers" : "wrong answers",
                 missing->first ? missing->first : "");
        for (int i = 0; i < metrics->n; i++) {
                if (can_measure(evaluation, metrics->items[i]))
                        metrics->items[kept++] = metrics->items[i];
                else if (asked_for)
                        return hap_fail(err, HAP_EINPUT, "cannot measure %s: %s",
                                        metrics->items[i]->name, why);
        }
        metrics->n = kept;
        if (kept == asked || missing->n == evaluation->n)
                return HAP_OK;
        snprintf(err->message, sizeof err->message, "%s", why);
        return 1;
}

/* --- the report --- */

double hap_evaluation_sparsity(const struct hap_evaluation *evaluation,
                               const struct hap_evaluated *circuit)
{
        return 1 - (double)circuit->edges / (double)evaluation->n_edges;
}

int hap_evaluation_describe(const struct hap_evaluation *evaluation, json_t *header,
                            struct hap_error *err)
{
        json_t *list = json_array();
        int bad = 0;

        for (size_t i = 0; i < evaluation->n_circuits; i++) {
                const struct hap_evaluated *s = evaluation->circuits + i;
                json_t *circuit;

                if (s->quiet)
                        continue;
                circuit = json_pack("{s:s, s:I, s:I, s:f, s:I}", "name", s->name, "edges",
                                    (json_int_t)s->edges, "of", (json_int_t)evaluation->n_edges,
                                    "sparsity", hap_evaluation_sparsity(evaluation, s), "dropped",
                                    (json_int_t)s->dropped);
                if (*s->digest)
                        bad |= json_object_set_new(circuit, "digest", json_string(s->digest));
                bad |= json_array_append_new(list, circuit);
        }
        bad |= json_object_set_new(header, "circuits", list);
        bad |= json_object_set_new(header, "examples", json_integer((json_int_t)evaluation->n));
        return bad ? hap_fail_memory(err, "a header") : HAP_OK;
}

/* The values of a metric that was measured: that of example i is at i * measured.n. */
static const double *values_of(const struct hap_evaluation *evaluation,
                               const struct hap_evaluated *circuit,
                               const struct hap_metric *metric)
{
        return circuit->values + hap_metric_list_find(&evaluation->measured, metric);
}

void hap_evaluation_mean(const struct hap_evaluation *evaluation,
                         const struct hap_evaluated *circuit, const struct hap_metric *metric,
                         double *mean, double *sd)
{
        hap_metric_mean(values_of(evaluation, circuit, metric), evaluation->n,
                        (size_t)evaluation->measured.n, mean, sd);
}

/* The mean of the metric for the circuit in that role. */
static double reference(const struct hap_evaluation *evaluation, enum hap_role role,
                        const struct hap_metric *metric)
{
        const struct hap_evaluated *circuit = hap_evaluation_find(evaluation, role);
        double mean = NAN, sd;

        if (circuit)
                hap_evaluation_mean(evaluation, circuit, metric, &mean, &sd);
        return mean;
}

/* The metric of every example, scaled between the full model and the empty circuit: [n], owned by
 * the caller. NULL: an example has the same value in both (the message names it). */
static double *normalise_each(const struct hap_evaluation *evaluation,
                              const struct hap_evaluated *circuit, const struct hap_metric *metric,
                              struct hap_error *err)
{
        const size_t stride = (size_t)evaluation->measured.n;
        const double *own = values_of(evaluation, circuit, metric);
        const double *values[3] = {own, own, own}; /* the circuit's, the full model's, the empty's */
        double *out = malloc(evaluation->n * sizeof *out);

        if (!out)
                hap_fail_memory(err, "values");
        for (size_t i = 0; i < evaluation->n_circuits; i++) {
                const enum hap_role role = evaluation->circuits[i].role;

                if (role == HAP_FULL_MODEL || role == HAP_EMPTY_CIRCUIT)
                        values[role == HAP_FULL_MODEL ? 1 : 2] =
                                values_of(evaluation, evaluation->circuits + i, metric);
        }
        for (size_t i = 0; out && i < evaluation->n; i++)
                if (hap_metric_normalise(values[0][i * stride], values[1][i * stride],
                                         values[2][i * stride], out + i, err) < 0) {
                        hap_fail_within(err, "example '%.200s'", evaluation->ids[i]);
                        free(out);
                        out = NULL;
                }
        return out;
}

int hap_evaluation_drop_undefined(const struct hap_evaluation *evaluation,
                                  struct hap_metric_list *metrics, struct hap_error *err)
{
        const int given = metrics->n;
        double value;
        int kept = 0;

        for (int i = 0; i < given; i++) {
                const struct hap_metric *base = metrics->items[i]->normalises;
                const double full = base ? reference(evaluation, HAP_FULL_MODEL, base) : 1;
                const double empty = base ? reference(evaluation, HAP_EMPTY_CIRCUIT, base) : 0;

                if (hap_metric_normalise(full, full, empty, &value, err) == 0)
                        metrics->items[kept++] = metrics->items[i];
        }
        metrics->n = kept;
        return kept < given;
}

double *hap_evaluation_each(const struct hap_evaluation *evaluation,
                            const struct hap_evaluated *circuit, const struct hap_metric *metric,
                            struct hap_error *err)
{
        const size_t stride = (size_t)evaluation->measured.n;
        const double *values;
        double *out;

        if (metric->each_example)
                return normalise_each(evaluation, circuit, metric->normalises, err);
        out = malloc(hap_max(evaluation->n, 1) * sizeof *out);
        if (!out) {
                hap_fail_memory(err, "values");
                return NULL;
        }
        values = values_of(evaluation, circuit, metric);
        for (size_t i = 0; i < evaluation->n; i++)
                out[i] = values[i * stride];
        return out;
}

int hap_evaluation_value(const struct hap_evaluation *evaluation,
                         const struct hap_evaluated *circuit, const struct hap_metric *metric,
                         double *value, double *sd, struct hap_error *err)
{
        const struct hap_metric *base = metric->normalises;

        if (metric->each_example) {
                double *values = normalise_each(evaluation, circuit, base, err);

                if (!values)
                        return err->code;
                hap_metric_mean(values, evaluation->n, 1, value, sd);
                free(values);
                return HAP_OK;
        }
        hap_evaluation_mean(evaluation, circuit, base ? base : metric, value, sd);
        if (!base)
                return HAP_OK;
        *sd = NAN;
        return hap_metric_normalise(*value, reference(evaluation, HAP_FULL_MODEL, base),
                                    reference(evaluation, HAP_EMPTY_CIRCUIT, base), value, err);
}
