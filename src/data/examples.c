/* The examples of a task section: its records one by one, and the check that
 * its token ids are those of the model's own tokenizer. */
#include "task/example.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tokenizer/description.h"

struct section {
        struct hap_stream_in *in;
        const struct hap_model *model;
        struct hap_tokenizer *tokenizer; /* owned, NULL until needed */
        struct hap_examples *examples;
        size_t room;
        struct hap_error *err;
};

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
                              "cannot use '%s': its token ids are of tokenizer %.32s, "
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

static int make_room(struct section *in)
{
        struct hap_examples *examples = in->examples;
        struct hap_example *items;

        if (examples->n < in->room)
                return 0;
        in->room = in->room ? 2 * in->room : 64;
        items = reallocarray(examples->items, in->room, sizeof *items);
        if (!items)
                return hap_fail_memory(in->err, "examples");
        examples->items = items;
        return 0;
}

static int add_record(struct section *in, const msgpack_object *object)
{
        struct hap_examples *examples = in->examples;
        struct hap_example *example;
        char where[512], number[32];
        json_t *record;
        int rc = make_room(in);

        if (rc < 0)
                return rc;
        record = hap_json_of(object);
        if (!record)
                return hap_stream_in_fail(in->in, in->err, "it holds what no task record holds");
        snprintf(number, sizeof number, "%" PRIu64, hap_stream_in_record_number(in->in));
        snprintf(where, sizeof where, "record %s of '%.400s'", number,
                 hap_stream_in_name(in->in));
        example = examples->items + examples->n;
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
        return hap_fail(in->err, HAP_EINPUT, "cannot use '%s': a stream of kind '%.32s' "
                        "where one of kind 'task' is needed", hap_stream_in_name(in->in),
                        kind ? kind : "unknown");
}

static int read_all(struct section *in, const json_t *header)
{
        msgpack_object record;
        int rc;

        if ((rc = check_kind(in, header)) < 0 || (rc = check_tokenizer(in, header)) < 0)
                return rc;
        in->examples->header = json_deep_copy(header);
        if (!in->examples->header)
                return hap_fail_memory(in->err, "a header");
        while ((rc = hap_stream_in_record(in->in, &record, in->err)) > 0)
                if ((rc = add_record(in, &record)) < 0)
                        return rc;
        if (rc == 0 && in->examples->n == 0)
                rc = hap_fail(in->err, HAP_EINPUT, "cannot use '%s': it holds no examples",
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

        *examples = (struct hap_examples){ 0 };
        hap_arena_init(&examples->arena);
        rc = read_all(&in, header);
        hap_tokenizer_free(in.tokenizer);
        if (rc < 0)
                hap_examples_release(examples);
        return rc;
}

/* --- places --- */

/* HAP_REST is added when all others are there. */
static int add_name(struct hap_positions *places, const char *name, struct hap_error *err)
{
        int rc = hap_positions_check(name, err);

        return rc < 0 ? rc : hap_positions_add(places, name, err);
}

static int add_common(const struct hap_examples *examples, struct hap_positions *places,
                      struct hap_error *err)
{
        const struct hap_example *first = examples->items;
        int rc = HAP_OK;

        for (int i = 0; i < first->n_named && rc == 0; i++) {
                bool all = true;

                for (size_t k = 1; k < examples->n; k++)
                        all &= hap_example_position(examples->items + k, first->named[i]) >= 0;
                if (all)
                        rc = add_name(places, first->named[i], err);
                if (rc < 0)
                        hap_fail_within(err, "cannot take all positions (some may be listed)");
        }
        if (rc == 0 && places->n == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot tell positions apart: there is no "
                                               "name that every example has (hap-task with "
                                               "-m names those of its tasks)");
        return rc;
}

static int add_listed(const char *names, struct hap_positions *places, struct hap_error *err)
{
        char *list = strdup(names), *rest = list;
        int rc = list ? HAP_OK : hap_fail_memory(err, "positions");

        while (rc == 0 && rest)
                rc = add_name(places, strsep(&rest, ","), err);
        free(list);
        return rc;
}

int hap_examples_positions(const struct hap_examples *examples, const char *names,
                        struct hap_positions *places, struct hap_error *err)
{
        int rc;

        *places = (struct hap_positions){0};
        if (strcmp(names, "all") == 0)
                rc = add_common(examples, places, err);
        else if ((rc = add_listed(names, places, err)) == HAP_EINPUT)
                rc = err->code = HAP_EUSAGE;
        if (rc == 0)
                rc = hap_positions_add(places, HAP_REST, err);
        for (size_t i = 0; i < examples->n && rc == 0; i++) {
                const struct hap_example *example = examples->items + i;
                uint8_t *place = malloc((size_t)example->n_tokens);

                rc = place ? hap_example_positions(example, places, place, err)
                           : hap_fail_memory(err, "positions");
                for (int k = 0; k < example->n_answer_positions && rc == 0; k++)
                        places->answers[place[example->answer_first + k]] = true;
                free(place);
        }
        return rc;
}

void hap_examples_release(struct hap_examples *examples)
{
        json_decref(examples->header);
        free(examples->items);
        hap_arena_release(&examples->arena);
        *examples = (struct hap_examples){ 0 };
}
