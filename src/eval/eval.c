#include "eval/eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hap_evaluation_release(struct hap_evaluation *evaluation)
{
        for (size_t i = 0; i < evaluation->n_subjects; i++) {
                free(evaluation->subjects[i].name);
                free(evaluation->subjects[i].z);
                free(evaluation->subjects[i].outcomes);
        }
        for (size_t i = 0; i < evaluation->n; i++)
                free(evaluation->ids[i]);
        free(evaluation->subjects);
        free(evaluation->ids);
        *evaluation = (struct hap_evaluation){0};
}

static bool is_taken(const struct hap_evaluation *evaluation, const char *name)
{
        for (size_t i = 0; i < evaluation->n_subjects; i++) {
                const struct hap_subject *subject = evaluation->subjects + i;

                if (!subject->silent && strcmp(subject->name, name) == 0)
                        return true;
        }
        return false;
}

int hap_evaluation_add(struct hap_evaluation *evaluation, const struct hap_graph *graph,
                       enum hap_role role, const char *name, const float *z, bool keep_dead,
                       struct hap_subject **subject, struct hap_error *err)
{
        struct hap_subject *subjects, new = {.role = role};
        char number[32];
        size_t n = 1;

        for (size_t i = 0; i < evaluation->n_subjects; i++)
                n += evaluation->subjects[i].role == HAP_A_CIRCUIT;
        snprintf(number, sizeof number, "circuit %zu", n);
        name = name ? name : number;
        if (is_taken(evaluation, name))
                return hap_fail(err, HAP_EUSAGE, "two lines of the report would be called '%s': "
                                "give each circuit a --name of its own", name);
        new.name = strdup(name);
        new.z = calloc(graph->n_edges, sizeof *new.z);
        subjects = reallocarray(evaluation->subjects, evaluation->n_subjects + 1,
                                sizeof *subjects);
        if (subjects)
                evaluation->subjects = subjects;
        if (!subjects || !new.name || !new.z) {
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
        subjects += evaluation->n_subjects++;
        *subjects = new;
        *subject = subjects;
        return HAP_OK;
}

int hap_evaluation_add_complement(struct hap_evaluation *evaluation,
                                  const struct hap_graph *graph, bool keep_dead,
                                  struct hap_error *err)
{
        const struct hap_subject *of = evaluation->subjects + evaluation->n_subjects - 1;
        float *z = malloc(graph->n_edges * sizeof *z);
        struct hap_subject *subject;
        char *name;
        int rc;

        if (!z || asprintf(&name, "%s, cut out", of->name) < 0) {
                free(z);
                return hap_fail_memory(err, "circuits");
        }
        for (size_t e = 0; e < graph->n_edges; e++)
                z[e] = 1 - of->z[e];
        rc = hap_evaluation_add(evaluation, graph, HAP_A_COMPLEMENT, name, z, keep_dead, &subject,
                                err);
        free(name);
        free(z);
        return rc;
}

/* --- running --- */

static int make_room(struct hap_evaluation *evaluation, size_t more, struct hap_error *err)
{
        size_t room = evaluation->room ? evaluation->room : 256;
        char **ids;

        while (room < evaluation->n + more)
                room *= 2;
        if (room == evaluation->room)
                return HAP_OK;
        ids = reallocarray(evaluation->ids, room, sizeof *ids);
        if (!ids)
                return hap_fail_memory(err, "outcomes");
        evaluation->ids = ids;
        for (size_t i = 0; i < evaluation->n_subjects; i++) {
                struct hap_subject *subject = evaluation->subjects + i;
                struct hap_metric_values *outcomes = reallocarray(subject->outcomes, room,
                                                            sizeof *outcomes);

                if (!outcomes)
                        return hap_fail_memory(err, "outcomes");
                subject->outcomes = outcomes;
        }
        evaluation->room = room;
        return HAP_OK;
}

static void note_lack(struct hap_lack *lack, const char *id)
{
        if (lack->n++ == 0)
                lack->first = id;
}

static int note_examples(struct hap_evaluation *evaluation, const struct hap_prompts *prompts,
                         struct hap_error *err)
{
        for (size_t i = 0; i < prompts->n; i++) {
                const struct hap_example *example = prompts->examples + i;
                char *id = strdup(example->id);

                if (!id)
                        return hap_fail_memory(err, "outcomes");
                evaluation->ids[evaluation->n++] = id;
                if (example->n_answers == 0)
                        note_lack(&evaluation->answers, id);
                if (example->n_wrongs == 0)
                        note_lack(&evaluation->wrongs, id);
        }
        return HAP_OK;
}

int hap_evaluation_run(struct hap_evaluation *evaluation, const struct hap_engine *engine,
                       const struct hap_prompts *prompts, struct hap_error *err)
{
        int rc = make_room(evaluation, prompts->n, err);

        for (size_t i = 0; i < evaluation->n_subjects && rc == 0; i++) {
                struct hap_subject *subject = evaluation->subjects + i;

                rc = hap_evaluate(engine, prompts, subject->z, NULL,
                                  subject->outcomes + evaluation->n, err);
                if (rc < 0)
                        return hap_fail_within(err, "%s", subject->name);
        }
        return rc < 0 ? rc : note_examples(evaluation, prompts, err);
}

static bool can_measure(const struct hap_evaluation *evaluation, enum hap_measure measure)
{
        switch (measure) {
        case HAP_MEASURE_KL:
        case HAP_MEASURE_EXACT_MATCH:
                return true;
        case HAP_MEASURE_ACCURACY:
        case HAP_MEASURE_PROB_DIFF:
                return evaluation->answers.n == 0;
        default:
                return evaluation->answers.n == 0 && evaluation->wrongs.n == 0;
        }
}

int hap_evaluation_check(const struct hap_evaluation *evaluation,
                         struct hap_measures *measures, bool asked_for,
                         struct hap_error *err)
{
        const bool answers = evaluation->answers.n > 0;
        const struct hap_lack *lack = answers ? &evaluation->answers : &evaluation->wrongs;
        const int asked = measures->n;
        int kept = 0;
        char why[300];

        snprintf(why, sizeof why, "%zu of %zu examples lack %s, the first is '%s'", lack->n,
                 evaluation->n, answers ? "answers" : "wrong answers",
                 lack->first ? lack->first : "");
        for (int i = 0; i < measures->n; i++) {
                if (can_measure(evaluation, measures->items[i]))
                        measures->items[kept++] = measures->items[i];
                else if (asked_for)
                        return hap_fail(err, HAP_EINPUT, "cannot measure %s: %s",
                                        hap_measures_names[measures->items[i]], why);
        }
        measures->n = kept;
        if (kept == asked || lack->n == evaluation->n)
                return HAP_OK;
        snprintf(err->message, sizeof err->message, "%s", why);
        return 1;
}

/* --- the report --- */

static double sparsity(const struct hap_evaluation *evaluation,
                       const struct hap_subject *subject)
{
        return 1 - (double)subject->edges / (double)evaluation->n_edges;
}

int hap_evaluation_describe(const struct hap_evaluation *evaluation, json_t *header,
                            struct hap_error *err)
{
        json_t *list = json_array();
        int bad = 0;

        for (size_t i = 0; i < evaluation->n_subjects; i++) {
                const struct hap_subject *s = evaluation->subjects + i;

                if (!s->silent)
                        bad |= json_array_append_new(
                                list, json_pack("{s:s, s:I, s:I, s:f, s:I}", "name", s->name,
                                                "edges", (json_int_t)s->edges, "of",
                                                (json_int_t)evaluation->n_edges, "sparsity",
                                                sparsity(evaluation, s), "dropped",
                                                (json_int_t)s->dropped));
        }
        bad |= json_object_set_new(header, "circuits", list);
        bad |= json_object_set_new(header, "examples", json_integer((json_int_t)evaluation->n));
        return bad ? hap_fail_memory(err, "a header") : HAP_OK;
}

/* The mean logit difference of the subject in that role. */
static double reference(const struct hap_evaluation *evaluation, enum hap_role role)
{
        double mean = NAN, sd;

        for (size_t i = 0; i < evaluation->n_subjects; i++)
                if (evaluation->subjects[i].role == role)
                        hap_measures_mean(evaluation->subjects[i].outcomes, evaluation->n,
                                         HAP_MEASURE_LOGIT_DIFF, &mean, &sd);
        return mean;
}

static int value_of(const struct hap_evaluation *evaluation,
                    const struct hap_subject *subject, enum hap_measure measure,
                    double *value, double *sd, struct hap_error *err)
{
        const bool normalised = measure == HAP_MEASURE_FAITHFULNESS;

        hap_measures_mean(subject->outcomes, evaluation->n,
                         normalised ? HAP_MEASURE_LOGIT_DIFF : measure, value, sd);
        if (!normalised)
                return HAP_OK;
        *sd = NAN;
        return hap_faithfulness(*value, reference(evaluation, HAP_FULL_MODEL),
                                reference(evaluation, HAP_EMPTY_CIRCUIT), value, err);
}

static void pack_number(msgpack_packer *packer, const char *key, double value)
{
        hap_pack_text(packer, key);
        msgpack_pack_double(packer, value);
}

static void pack_count(msgpack_packer *packer, const char *key, size_t value)
{
        hap_pack_text(packer, key);
        msgpack_pack_uint64(packer, value);
}

static void pack_names(msgpack_packer *packer, const struct hap_subject *subject,
                       enum hap_measure measure)
{
        hap_pack_text(packer, "circuit");
        hap_pack_text(packer, subject->name);
        hap_pack_text(packer, "metric");
        hap_pack_text(packer, hap_measures_names[measure]);
}

static int write_mean(const struct hap_evaluation *evaluation,
                      const struct hap_subject *subject, enum hap_measure measure,
                      struct hap_stream_out *out, struct hap_error *err)
{
        msgpack_packer *packer;
        double value, sd;
        int rc = value_of(evaluation, subject, measure, &value, &sd, err);

        if (rc < 0)
                return rc;
        packer = hap_stream_out_record(out);
        msgpack_pack_map(packer, isnan(sd) ? 6 : 7);
        pack_names(packer, subject, measure);
        pack_number(packer, "value", value);
        if (!isnan(sd))
                pack_number(packer, "sd", sd);
        pack_count(packer, "examples", evaluation->n);
        pack_count(packer, "edges", subject->edges);
        pack_number(packer, "sparsity", sparsity(evaluation, subject));
        return hap_stream_out_end_record(out, err);
}

static int write_each(const struct hap_evaluation *evaluation,
                      const struct hap_subject *subject, enum hap_measure measure,
                      struct hap_stream_out *out, struct hap_error *err)
{
        int rc = HAP_OK;

        if (measure == HAP_MEASURE_FAITHFULNESS)
                return HAP_OK;
        for (size_t i = 0; i < evaluation->n && rc == 0; i++) {
                msgpack_packer *packer = hap_stream_out_record(out);

                msgpack_pack_map(packer, 4);
                pack_names(packer, subject, measure);
                hap_pack_text(packer, "id");
                hap_pack_text(packer, evaluation->ids[i]);
                pack_number(packer, "value",
                            hap_measures_value(subject->outcomes + i, measure));
                rc = hap_stream_out_end_record(out, err);
        }
        return rc;
}

int hap_evaluation_write(const struct hap_evaluation *evaluation,
                         const struct hap_measures *measures, bool each,
                         struct hap_stream_out *out, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < evaluation->n_subjects && rc == 0; i++) {
                const struct hap_subject *subject = evaluation->subjects + i;

                for (int m = 0; m < measures->n && rc == 0 && !subject->silent; m++) {
                        rc = write_mean(evaluation, subject, measures->items[m], out, err);
                        if (rc == 0 && each)
                                rc = write_each(evaluation, subject, measures->items[m], out,
                                                err);
                }
        }
        return rc;
}
