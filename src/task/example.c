/* A task's record, text or token ids, to an example that the engine can run. */
#include "task/example.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a record is read with, passed down as one. */
struct reading {
        const json_t *record;
        const struct hap_model *model;
        const struct hap_tokenizer *tokenizer;
        const char *where;
        struct hap_arena *arena;
        struct hap_error *err;
};

static int refuse(const struct reading *in, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static int refuse(const struct reading *in, const char *format, ...)
{
        char why[768];
        va_list args;

        va_start(args, format);
        vsnprintf(why, sizeof why, format, args);
        va_end(args);
        return hap_fail(in->err, HAP_EINPUT, "cannot use %s: %s", in->where, why);
}

/* An id below `limit` (0: any), from a JSON integer. */
static int id_of(const struct reading *in, const json_t *value, const char *what,
                 int limit, int32_t *id)
{
        json_int_t n = json_integer_value(value);

        if (!json_is_integer(value))
                return refuse(in, "%s holds something that is no token id", what);
        if (n < 0 || n > INT32_MAX || (limit && n >= limit))
                return refuse(in, "%s has token id %" JSON_INTEGER_FORMAT
                              ", the ids end at %d", what, n,
                              limit ? limit - 1 : INT32_MAX);
        *id = (int32_t)n;
        return 0;
}

static int encode(const struct reading *in, const char *what, const json_t *text,
                  int32_t **ids)
{
        const char *bytes = json_string_value(text);
        size_t length = json_string_length(text);
        int n;

        if (!in->tokenizer)
                return refuse(in, "%s is text and there is no tokenizer; "
                              "token ids are needed", what);
        n = hap_tokenizer_encode(in->tokenizer, bytes, length, true, true, NULL, 0,
                                 in->err);
        if (n < 0)
                return hap_fail_within(in->err, "cannot use %s: %s", in->where, what);
        *ids = hap_arena_alloc(in->arena, (size_t)n + 1, sizeof **ids);
        if (!*ids)
                return hap_fail_memory(in->err, "a prompt");
        return hap_tokenizer_encode(in->tokenizer, bytes, length, true, true, *ids,
                                    (size_t)n, in->err);
}

static int copy_ids(const struct reading *in, const char *what, const json_t *list,
                    int limit, int32_t **ids)
{
        size_t n = json_array_size(list);

        if (n > INT32_MAX)
                return refuse(in, "%s has too many tokens", what);
        *ids = hap_arena_alloc(in->arena, n + 1, sizeof **ids);
        if (!*ids)
                return hap_fail_memory(in->err, "token ids");
        for (size_t i = 0; i < n; i++) {
                int rc = id_of(in, json_array_get(list, i), what, limit, *ids + i);

                if (rc < 0)
                        return rc;
        }
        return (int)n;
}

/* The tokens of "clean" or "corrupted": how many, or a code. */
static int read_prompt(const struct reading *in, const char *what,
                       const int32_t **tokens)
{
        const json_t *value = json_object_get(in->record, what);
        int limit = in->model ? in->model->config.n_vocab : 0;
        int context = in->model ? in->model->config.n_context : INT32_MAX;
        int32_t *ids = NULL;
        int n;

        if (!value)
                return refuse(in, "there is no '%s'", what);
        if (json_is_string(value))
                n = encode(in, what, value, &ids);
        else if (json_is_array(value))
                n = copy_ids(in, what, value, limit, &ids);
        else
                return refuse(in, "%s is neither text nor a list of token ids", what);
        if (n < 0)
                return n;
        if (n == 0)
                return refuse(in, "%s has no tokens", what);
        if (n > context)
                return refuse(in, "%s has %d tokens, the model has %d positions", what,
                              n, context);
        for (int i = 0; limit && i < n; i++)
                if (ids[i] >= limit)
                        return refuse(in, "%s has token id %d, the model's ids end at %d",
                                      what, (int)ids[i], limit - 1);
        *tokens = ids;
        return n;
}

/* ' Mary', or the id where the token's bytes are no whole characters. */
static size_t name_token(const struct reading *in, int32_t id, char *text, size_t size)
{
        const char *bytes = hap_tokenizer_text(in->tokenizer, id, NULL);
        json_t *whole = bytes ? json_string(bytes) : NULL;
        int n = whole ? snprintf(text, size, "'%.32s'", bytes)
                      : snprintf(text, size, "token %d", (int)id);

        json_decref(whole);
        return (size_t)n;
}

/* " but 2: ' Mary', ' went'": as many of the text's tokens as one likes to read. */
static void list_parts(const struct reading *in, const char *text, char *list, size_t size)
{
        int32_t ids[6];
        const int most = sizeof ids / sizeof *ids;
        struct hap_error ignored;
        int n = hap_tokenizer_continue(in->tokenizer, text, strlen(text), ids, (size_t)most,
                                       &ignored);
        size_t used = 0;

        *list = '\0';
        for (int i = 0; i < n && i < most; i++) {
                used += i ? (size_t)snprintf(list + used, size - used, ", ")
                          : (size_t)snprintf(list, size, " but %d: ", n);
                used += name_token(in, ids[i], list + used, size - used);
        }
        if (n > most)
                snprintf(list + used, size - used, ", ...");
}

/* A text that is not one token; most often it lacks the space before a word. */
static int refuse_parts(const struct reading *in, const char *what, const char *text)
{
        char spaced[68], parts[320];

        snprintf(spaced, sizeof spaced, " %.64s", text);
        if (hap_tokenizer_single(in->tokenizer, spaced) >= 0)
                return refuse(in, "%s '%.64s' is not one token, '%s' is", what, text, spaced);
        list_parts(in, text, parts, sizeof parts);
        return refuse(in, "%s '%.64s' is not one token%s; an answer is one token", what, text,
                      parts);
}

static int answer_of(const struct reading *in, const json_t *value, const char *what,
                     int32_t *id)
{
        int limit = in->model ? in->model->config.n_out : 0;

        if (!json_is_string(value))
                return id_of(in, value, what, limit, id);
        if (!in->tokenizer)
                return refuse(in, "%s is text and there is no tokenizer; "
                              "token ids are needed", what);
        if (json_string_length(value) == 0)
                return refuse(in, "%s holds an empty text: an answer is one token", what);
        *id = hap_tokenizer_single(in->tokenizer, json_string_value(value));
        if (*id < 0)
                return refuse_parts(in, what, json_string_value(value));
        if (limit && *id >= limit)
                return refuse(in, "%s '%.64s' is token %d, the logits end at %d", what,
                              json_string_value(value), (int)*id, limit - 1);
        return 0;
}

/* The list `plural`, or `singular` alone as a list of one: how many ids. None
 * of the two is a list of none; a list that is given must not be empty. */
static int read_answers(const struct reading *in, const char *singular,
                        const char *plural, const int32_t **answers)
{
        const json_t *many = json_object_get(in->record, plural);
        const json_t *one = json_object_get(in->record, singular);
        const json_t *value = many ? many : one;
        const char *what = many ? plural : singular;
        size_t n = json_is_array(value) ? json_array_size(value) : 1;
        int32_t *ids;

        if (many && one)
                return refuse(in, "there are both '%s' and '%s'", singular, plural);
        if (!value)
                return 0;
        if (n == 0)
                return refuse(in, "%s is empty", what);
        ids = hap_arena_alloc(in->arena, n, sizeof *ids);
        if (!ids || n > INT32_MAX)
                return hap_fail_memory(in->err, "answers");
        for (size_t i = 0; i < n; i++) {
                const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
                int rc = answer_of(in, item, what, ids + i);

                if (rc < 0)
                        return rc;
        }
        *answers = ids;
        return (int)n;
}

static int compare_ids(const void *a, const void *b)
{
        int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

        return (x > y) - (x < y);
}

/* No token twice among answers and wrongs together. */
static int check_answers(const struct reading *in, const struct hap_example *example)
{
        size_t n_answers = (size_t)example->n_answers, n_wrongs = (size_t)example->n_wrongs;
        size_t n = n_answers + n_wrongs;
        int32_t *all = malloc((n + 1) * sizeof *all);
        int rc = 0;

        if (!all)
                return hap_fail_memory(in->err, "answers");
        if (n_answers)
                memcpy(all, example->answers, n_answers * sizeof *all);
        if (n_wrongs)
                memcpy(all + n_answers, example->wrongs, n_wrongs * sizeof *all);
        qsort(all, n, sizeof *all, compare_ids);
        for (size_t i = 1; i < n && rc == 0; i++)
                if (all[i] == all[i - 1])
                        rc = refuse(in, "token %d is twice among answers and wrongs",
                                    (int)all[i]);
        free(all);
        return rc;
}

/* "at": one ascending run of positions without a gap. */
static int read_at(const struct reading *in, struct hap_example *example)
{
        const json_t *at = json_object_get(in->record, "at");
        size_t n = json_array_size(at);

        example->answer_first = example->n_tokens - 1;
        example->n_answer_positions = 1;
        if (!at)
                return 0;
        if (!json_is_array(at) || n == 0)
                return refuse(in, "at is no list of positions");
        for (size_t i = 0; i < n; i++) {
                const json_t *value = json_array_get(at, i);
                json_int_t position = json_integer_value(value);

                if (!json_is_integer(value) || position < 0 || position >= example->n_tokens)
                        return refuse(in, "at holds a position outside 0 to %d",
                                      example->n_tokens - 1);
                if (i == 0)
                        example->answer_first = (int)position;
                else if (position != example->answer_first + (json_int_t)i)
                        return refuse(in, "at is not one ascending range of positions");
        }
        example->n_answer_positions = (int)n;
        return 0;
}

static int read_positions(const struct reading *in, struct hap_example *example)
{
        json_t *positions = json_object_get(in->record, "positions");
        const size_t n = json_object_size(positions);
        const char **names = hap_arena_alloc(in->arena, n + 1, sizeof *names);
        int *at = hap_arena_alloc(in->arena, n + 1, sizeof *at), n_tokens = example->n_tokens;
        const char *name;
        json_t *value;

        if (!names || !at)
                return hap_fail_memory(in->err, "positions");
        example->named = names;
        example->named_at = at;
        if (!positions)
                return 0;
        if (!json_is_object(positions))
                return refuse(in, "positions is no map of names to positions");
        json_object_foreach(positions, name, value) {
                json_int_t position = json_integer_value(value);

                if (!json_is_integer(value))
                        return refuse(in, "position '%.64s' is no whole number", name);
                if (position < 0 || position >= n_tokens)
                        return refuse(in, "position '%.64s' is outside 0 to %d", name,
                                      n_tokens - 1);
                names[example->n_named] = hap_arena_text(in->arena, name, strlen(name));
                if (!names[example->n_named])
                        return hap_fail_memory(in->err, "positions");
                at[example->n_named++] = (int)position;
        }
        return 0;
}

static int read_id(const struct reading *in, struct hap_example *example)
{
        const json_t *id = json_object_get(in->record, "id");
        char number[32];

        if (id && !json_is_string(id) && !json_is_integer(id))
                return refuse(in, "id is neither text nor a whole number");
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        if (json_is_string(id))
                example->id = hap_arena_text(in->arena, json_string_value(id),
                                             json_string_length(id));
        else
                example->id = hap_arena_text(in->arena, number, id ? strlen(number) : 0);
        return example->id ? 0 : hap_fail_memory(in->err, "an id");
}

int hap_example_of(const json_t *record, const struct hap_model *model,
                   const struct hap_tokenizer *tokenizer, const char *where,
                   struct hap_arena *arena, struct hap_example *example,
                   struct hap_error *err)
{
        const struct reading in = { record, model, tokenizer, where, arena, err };
        int n, rc;

        *example = (struct hap_example){ 0 };
        if (!json_is_object(record))
                return refuse(&in, "it is no map");
        if ((rc = read_id(&in, example)) < 0)
                return rc;
        if ((rc = example->n_tokens = read_prompt(&in, "clean", &example->clean)) < 0)
                return rc;
        if ((n = read_prompt(&in, "corrupted", &example->corrupted)) < 0)
                return n;
        if (n != example->n_tokens)
                return refuse(&in, "clean has %d tokens, corrupted %d: they must be equally long",
                              example->n_tokens, n);
        if ((rc = example->n_answers =
                     read_answers(&in, "answer", "answers", &example->answers)) < 0)
                return rc;
        if ((rc = example->n_wrongs =
                     read_answers(&in, "wrong", "wrongs", &example->wrongs)) < 0)
                return rc;
        if (!example->n_answers && !json_object_get(record, "at"))
                return refuse(&in, "there is no 'answers', nor 'answer' or 'at'");
        if ((rc = check_answers(&in, example)) < 0 || (rc = read_at(&in, example)) < 0)
                return rc;
        return read_positions(&in, example);
}

int hap_example_position(const struct hap_example *example, const char *name)
{
        for (int i = 0; i < example->n_named; i++)
                if (strcmp(example->named[i], name) == 0)
                        return example->named_at[i];
        return -1;
}

int hap_example_positions(const struct hap_example *example, const struct hap_positions *places,
                       uint8_t *place, struct hap_error *err)
{
        const int rest = places->n - 1;

        memset(place, rest, (size_t)example->n_tokens);
        for (int p = 0; p < rest; p++) {
                const int at = hap_example_position(example, places->name[p]);

                if (at < 0)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use example '%.200s': it has no position '%s'",
                                        example->id, places->name[p]);
                if (place[at] != rest)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use example '%.200s': its positions '%s' and "
                                        "'%s' are one", example->id, places->name[place[at]],
                                        places->name[p]);
                place[at] = (uint8_t)p;
        }
        return HAP_OK;
}
