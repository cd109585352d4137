/* The examples of a task section: its records one by one, and the check that
 * its token ids are those of the model's own tokenizer. */
#include "data/examples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/description.h"

struct section {
        struct hap_stream_in *in;
        const struct hap_model *model;
        struct hap_tokenizer *tokenizer; /* owned, NULL until needed */
        struct hap_examples *examples;
        struct hap_error *err;
};

enum { FORGET_EVERY = 16 * HAP_EXAMPLES_GROUP };

void hap_examples_init(struct hap_examples *examples)
{
        *examples = (struct hap_examples){0};
        hap_arena_init_in_file(&examples->arena);
}

struct hap_example *hap_examples_at(const struct hap_examples *examples, size_t i)
{
        if (i % FORGET_EVERY == FORGET_EVERY - 1)
                hap_arena_forget(&examples->arena);
        return examples->groups[i / HAP_EXAMPLES_GROUP] + i % HAP_EXAMPLES_GROUP;
}

struct hap_example *hap_examples_next(struct hap_examples *examples)
{
        const size_t group = examples->n / HAP_EXAMPLES_GROUP;
        struct hap_example **groups;

        if (examples->n % HAP_EXAMPLES_GROUP)
                return hap_examples_at(examples, examples->n);
        groups = reallocarray(examples->groups, group + 1, sizeof *groups);
        if (!groups)
                return NULL;
        examples->groups = groups;
        groups[group] = hap_arena_alloc(&examples->arena, HAP_EXAMPLES_GROUP, sizeof **groups);
        return groups[group];
}

static int need_tokenizer(struct section *in)
{
        if (in->tokenizer)
                return 0;
        return hap_tokenizer_load(&in->tokenizer, in->model->path, in->err);
}

/* Ids mean nothing under another tokenizer, so a header that names one must
 * name the model's. */
static int check_tokenizer(struct section *in, const json_t *header)
{
        const json_t *theirs = json_object_get(header, "tokenizer");
        json_t *ours;
        int rc = 0;

        if (!theirs)
                return 0;
        if (need_tokenizer(in) < 0)
                return hap_fail_within(in->err, "cannot check the token ids of '%s'",
                                       hap_stream_in_name(in->in));
        ours = hap_tokenizer_describe(in->tokenizer);
        if (!ours)
                return hap_fail_memory(in->err, "a tokenizer's description");
        if (!json_equal(ours, theirs)) {
                const char *made = json_string_value(json_object_get(theirs, "fingerprint"));

                rc = hap_fail(in->err, HAP_EINPUT,
                              "cannot use '%s': its token ids belong to tokenizer %.32s, "
                              "the model's is %s",
                              hap_stream_in_name(in->in), made ? made : "unknown",
                              json_string_value(json_object_get(ours, "fingerprint")));
        }
        json_decref(ours);
        return rc;
}

static bool has_text(const json_t *value)
{
        return json_is_string(value) || json_is_string(json_array_get(value, 0));
}

static bool record_has_text(const json_t *record)
{
        static const char *const fields[] = { "clean", "corrupted", "answers",
                                              "answer", "wrongs", "wrong" };

        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
                if (has_text(json_object_get(record, fields[i])))
                        return true;
        return false;
}

static int read_example_record(struct section *in, const msgpack_object *object)
{
        struct hap_examples *examples = in->examples;
        struct hap_example *example = hap_examples_next(examples);
        char where[512], number[32];
        json_t *record;
        int rc;

        if (!example)
                return hap_fail_memory(in->err, "examples");
        record = hap_json_of(object);
        if (!record)
                return hap_stream_in_fail(in->in, in->err, "it contains binary data");
        snprintf(number, sizeof number, "%" PRIu64, hap_stream_in_record_number(in->in));
        snprintf(where, sizeof where, "record %s of '%.400s'", number,
                 hap_stream_in_name(in->in));
        if (record_has_text(record) && need_tokenizer(in) < 0)
                rc = hap_fail_within(in->err, "cannot use %s, which is text", where);
        else
                rc = hap_example_of(record, in->model, in->tokenizer, where,
                                    &examples->arena, example, in->err);
        json_decref(record);
        if (rc == 0 && !*example->id &&
            !(example->id = hap_arena_text(&examples->arena, number, strlen(number))))
                rc = hap_fail_memory(in->err, "an id");
        examples->n += rc == 0;
        return rc;
}

static int check_kind(struct section *in, const json_t *header)
{
        const char *kind = json_string_value(json_object_get(header, "kind"));

        if (kind && strcmp(kind, "task") == 0)
                return 0;
        return hap_fail(in->err, HAP_EINPUT, "cannot use '%s': its kind is '%.32s', but 'task' is "
                        "needed", hap_stream_in_name(in->in),
                        kind ? kind : "unknown");
}

static int read_records(struct section *in, const json_t *header)
{
        msgpack_object record;
        int rc;

        if ((rc = check_kind(in, header)) < 0 || (rc = check_tokenizer(in, header)) < 0)
                return rc;
        in->examples->header = json_deep_copy(header);
        if (!in->examples->header)
                return hap_fail_memory(in->err, "a header");
        while ((rc = hap_stream_in_record(in->in, &record, in->err)) > 0)
                if ((rc = read_example_record(in, &record)) < 0)
                        return rc;
        if (rc == 0 && in->examples->n == 0)
                rc = hap_fail(in->err, HAP_EINPUT, "cannot use '%s': it contains no examples",
                              hap_stream_in_name(in->in));
        return rc;
}

int hap_examples_read(struct hap_stream_in *stream, const json_t *header,
                      const struct hap_model *model, struct hap_examples *examples,
                      struct hap_error *err)
{
        struct section in = { .in = stream, .model = model, .examples = examples,
                              .err = err };
        int rc;

        hap_examples_init(examples);
        rc = read_records(&in, header);
        hap_tokenizer_free(in.tokenizer);
        if (rc < 0)
                hap_examples_release(examples);
        return rc;
}

/* --- positions --- */

/* HAP_REST is added after all others. */
static int add_position(struct hap_positions *positions, const char *name, struct hap_error *err)
{
        int rc = hap_positions_check(name, err);

        return rc < 0 ? rc : hap_positions_add(positions, name, err);
}

/* The names that every example has, in the order of the first one. */
static int add_common(const struct hap_examples *examples, struct hap_positions *positions,
                      struct hap_error *err)
{
        const struct hap_example *first = hap_examples_at(examples, 0);
        int rc = HAP_OK;

        for (int i = 0; i < first->n_named && rc == 0; i++) {
                bool all = true;

                for (size_t k = 1; k < examples->n; k++)
                        all &= hap_example_position(hap_examples_at(examples, k),
                                                    first->named[i]) >= 0;
                if (all)
                        rc = add_position(positions, first->named[i], err);
                if (rc < 0)
                        hap_fail_within(err, "cannot use all positions (a list of some may be "
                                             "given)");
        }
        if (rc == 0 && positions->n == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot distinguish positions: no name is common to "
                                               "all examples (hap-task with -m names the "
                                               "positions of its tasks)");
        return rc;
}

static int add_listed(const char *names, struct hap_positions *positions, struct hap_error *err)
{
        char *list = strdup(names), *rest = list;
        int rc = list ? HAP_OK : hap_fail_memory(err, "positions");

        while (rc == 0 && rest)
                rc = add_position(positions, strsep(&rest, ","), err);
        free(list);
        return rc;
}

/* Marks the positions that have answers of the example: the graph reads logits there. */
static int note_answers(const struct hap_example *example, struct hap_positions *positions,
                        struct hap_error *err)
{
        uint8_t *position = malloc((size_t)example->n_tokens);
        int rc = position ? hap_example_positions(example, positions, position, err)
                          : hap_fail_memory(err, "positions");

        for (int k = 0; k < example->n_answer_positions && rc == 0; k++)
                positions->answers[position[example->answer_first + k]] = true;
        free(position);
        return rc;
}

int hap_examples_positions(const struct hap_examples *examples, const char *names,
                           struct hap_positions *positions, struct hap_error *err)
{
        int rc;

        *positions = (struct hap_positions){0};
        if (strcmp(names, "all") == 0)
                rc = add_common(examples, positions, err);
        else if ((rc = add_listed(names, positions, err)) == HAP_EINPUT)
                rc = err->code = HAP_EUSAGE;
        if (rc == 0)
                rc = hap_positions_add(positions, HAP_REST, err);
        for (size_t i = 0; i < examples->n && rc == 0; i++)
                rc = note_answers(hap_examples_at(examples, i), positions, err);
        return rc;
}

void hap_examples_release(struct hap_examples *examples)
{
        json_decref(examples->header);
        free(examples->groups);
        hap_arena_release(&examples->arena);
        *examples = (struct hap_examples){ 0 };
}
