#include "task/example.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/example_positions.h"

/* The one validator of task records. Without a tokenizer a text is refused, or, where
 * `texts_stay`, checked as far as possible: its length in tokens is UNKNOWN, an answer's
 * id is NO_ID. */
#define UNKNOWN INT32_MAX
#define NO_ID (-1)

struct record_reader {
        const json_t *record;
        const struct hap_model *model;
        const struct hap_tokenizer *tokenizer;
        bool texts_stay;
        const char *where;
        struct hap_arena *arena;
        struct hap_error *err;
};

static int refuse_record(const struct record_reader *in, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static int refuse_record(const struct record_reader *in, const char *format, ...)
{
        char why[768];
        va_list args;

        va_start(args, format);
        vsnprintf(why, sizeof why, format, args);
        va_end(args);
        return hap_fail(in->err, HAP_EINPUT, "cannot use %s: %s", in->where, why);
}

/* An id below `limit` (0: any), from a JSON integer. */
static int read_token_id(const struct record_reader *in, const json_t *value, const char *what,
                         int limit, int32_t *id)
{
        json_int_t n = json_integer_value(value);

        if (!json_is_integer(value))
                return refuse_record(in, "%s contains a value that is not a token id", what);
        if (n < 0 || n > INT32_MAX || (limit && n >= limit))
                return refuse_record(in, "%s has token id %" JSON_INTEGER_FORMAT
                              ", the ids end at %d", what, n,
                              limit ? limit - 1 : INT32_MAX);
        *id = (int32_t)n;
        return 0;
}

static int encode_prompt(const struct record_reader *in, const char *what, const json_t *text,
                         int32_t **ids)
{
        const char *bytes = json_string_value(text);
        size_t length = json_string_length(text);
        int n;

        if (!in->tokenizer)
                return refuse_record(in, "%s is text and there is no tokenizer; "
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

static int read_token_ids(const struct record_reader *in, const char *what, const json_t *list,
                          int limit, int32_t **ids)
{
        size_t n = json_array_size(list);

        if (n > INT32_MAX)
                return refuse_record(in, "%s has too many tokens", what);
        *ids = hap_arena_alloc(in->arena, n + 1, sizeof **ids);
        if (!*ids)
                return hap_fail_memory(in->err, "token ids");
        for (size_t i = 0; i < n; i++) {
                int rc = read_token_id(in, json_array_get(list, i), what, limit, *ids + i);

                if (rc < 0)
                        return rc;
        }
        return (int)n;
}

/* Reads "clean" or "corrupted". Returns the number of tokens, or a code. */
static int read_prompt(const struct record_reader *in, const char *what,
                       const int32_t **tokens)
{
        const json_t *value = json_object_get(in->record, what);
        int limit = in->model ? in->model->config.n_vocab : 0;
        int context = in->model ? in->model->config.n_context : INT32_MAX;
        int32_t *ids = NULL;
        int n;

        if (!value)
                return refuse_record(in, "there is no '%s'", what);
        if (json_is_string(value) && json_string_length(value) == 0)
                return refuse_record(in, "%s has no tokens", what);
        if (json_is_string(value) && in->texts_stay)
                return UNKNOWN;
        if (json_is_string(value))
                n = encode_prompt(in, what, value, &ids);
        else if (json_is_array(value))
                n = read_token_ids(in, what, value, limit, &ids);
        else
                return refuse_record(in, "%s is neither text nor a list of token ids", what);
        if (n < 0)
                return n;
        if (n == 0)
                return refuse_record(in, "%s has no tokens", what);
        if (n > context)
                return refuse_record(in, "%s has %d tokens, the model has %d positions", what,
                              n, context);
        for (int i = 0; limit && i < n; i++)
                if (ids[i] >= limit)
                        return refuse_record(in, "%s has token id %d, the model's ids end at %d",
                                      what, (int)ids[i], limit - 1);
        *tokens = ids;
        return n;
}

/* Prints ' Mary', or the id where the token's bytes are not whole characters. */
static size_t name_token(const struct record_reader *in, int32_t id, char *text, size_t size)
{
        const char *bytes = hap_tokenizer_text(in->tokenizer, id, NULL);
        json_t *whole = bytes ? json_string(bytes) : NULL;
        int n = whole ? snprintf(text, size, "'%.32s'", bytes)
                      : snprintf(text, size, "token %d", (int)id);

        json_decref(whole);
        return (size_t)n;
}

/* " but 2: ' Mary', ' went'": the number of the text's tokens and the first of them. */
static void list_parts(const struct record_reader *in, const char *text, char *list, size_t size)
{
        int32_t ids[6];
        const int max = sizeof ids / sizeof *ids;
        struct hap_error ignored;
        int n = hap_tokenizer_continue(in->tokenizer, text, strlen(text), ids, (size_t)max,
                                       &ignored);
        size_t used = 0;

        *list = '\0';
        for (int i = 0; i < n && i < max; i++) {
                used += i ? (size_t)snprintf(list + used, size - used, ", ")
                          : (size_t)snprintf(list, size, " but %d: ", n);
                used += name_token(in, ids[i], list + used, size - used);
        }
        if (n > max)
                snprintf(list + used, size - used, ", ...");
}

/* Refuses a text that is not one token. The usual cause is a missing space before a word. */
static int refuse_parts(const struct record_reader *in, const char *what, const char *text)
{
        char spaced[68], parts[320];

        snprintf(spaced, sizeof spaced, " %.64s", text);
        if (hap_tokenizer_single(in->tokenizer, spaced) >= 0)
                return refuse_record(in, "%s '%.64s' is not one token, '%s' is", what, text,
                                     spaced);
        list_parts(in, text, parts, sizeof parts);
        return refuse_record(in, "%s '%.64s' is not one token%s; an answer is one token", what,
                             text, parts);
}

static int read_answer(const struct record_reader *in, const json_t *value, const char *what,
                       int32_t *id)
{
        int limit = in->model ? in->model->config.n_out : 0;

        if (json_is_integer(value))
                return read_token_id(in, value, what, limit, id);
        if (!json_is_string(value))
                return refuse_record(in, "%s contains a value that is neither text nor a token id",
                                     what);
        if (json_string_length(value) == 0)
                return refuse_record(in, "%s contains an empty text; an answer is one token",
                                     what);
        *id = NO_ID;
        if (in->texts_stay)
                return 0;
        if (!in->tokenizer)
                return refuse_record(in, "%s is text and there is no tokenizer; "
                                     "token ids are needed", what);
        *id = hap_tokenizer_single(in->tokenizer, json_string_value(value));
        if (*id < 0)
                return refuse_parts(in, what, json_string_value(value));
        if (limit && *id >= limit)
                return refuse_record(in, "%s '%.64s' is token %d, the logits end at %d", what,
                              json_string_value(value), (int)*id, limit - 1);
        return 0;
}

/* Reads the list `plural`, or `singular` as a list of one. Returns the number of ids: 0
 * when both are absent. An empty list is refused. */
static int read_answers(const struct record_reader *in, const char *singular,
                        const char *plural, const int32_t **answers)
{
        const json_t *many = json_object_get(in->record, plural);
        const json_t *one = json_object_get(in->record, singular);
        const json_t *value = many ? many : one;
        const char *what = many ? plural : singular;
        size_t n = json_is_array(value) ? json_array_size(value) : 1;
        int32_t *ids;

        if (many && one)
                return refuse_record(in, "there are both '%s' and '%s'", singular, plural);
        if (!value)
                return 0;
        if (n == 0)
                return refuse_record(in, "%s is empty", what);
        ids = hap_arena_alloc(in->arena, n, sizeof *ids);
        if (!ids || n > INT32_MAX)
                return hap_fail_memory(in->err, "answers");
        for (size_t i = 0; i < n; i++) {
                const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
                int rc = read_answer(in, item, what, ids + i);

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

/* Refuses a token that occurs twice among answers and wrongs. */
static int check_answers(const struct record_reader *in, const struct hap_example *example)
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
                if (all[i] == all[i - 1] && all[i] != NO_ID)
                        rc = refuse_record(in, "token %d occurs twice in answers and wrongs",
                                    (int)all[i]);
        free(all);
        return rc;
}

/* Reads "at": an ascending range of positions without a gap. */
static int read_at(const struct record_reader *in, struct hap_example *example)
{
        const json_t *at = json_object_get(in->record, "at");
        size_t n = json_array_size(at);

        example->answer_first = example->n_tokens - 1;
        example->n_answer_positions = 1;
        if (!at)
                return 0;
        if (!json_is_array(at) || n == 0)
                return refuse_record(in, "at is not a list of positions");
        for (size_t i = 0; i < n; i++) {
                const json_t *value = json_array_get(at, i);
                json_int_t position = json_integer_value(value);

                if (!json_is_integer(value) || position < 0 || position >= example->n_tokens)
                        return refuse_record(in, "at contains a position outside 0 to %d",
                                      example->n_tokens - 1);
                if (i == 0)
                        example->answer_first = (int)position;
                else if (position != example->answer_first + (json_int_t)i)
                        return refuse_record(in, "at is not one ascending range of positions");
        }
        example->n_answer_positions = (int)n;
        return 0;
}

static int read_id(const struct record_reader *in, struct hap_example *example)
{
        const json_t *id = json_object_get(in->record, "id");
        char number[32];

        if (id && !json_is_string(id) && !json_is_integer(id))
                return refuse_record(in, "id is neither text nor a whole number");
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        if (json_is_string(id))
                example->id = hap_arena_text(in->arena, json_string_value(id),
                                             json_string_length(id));
        else
                example->id = hap_arena_text(in->arena, number, id ? strlen(number) : 0);
        return example->id ? 0 : hap_fail_memory(in->err, "an id");
}

static int read_task_record(const struct record_reader *in, struct hap_example *example)
{
        int n, rc;

        *example = (struct hap_example){ 0 };
        if (!json_is_object(in->record))
                return refuse_record(in, "it is not an object");
        if ((rc = read_id(in, example)) < 0)
                return rc;
        if ((rc = example->n_tokens = read_prompt(in, "clean", &example->clean)) < 0)
                return rc;
        if ((n = read_prompt(in, "corrupted", &example->corrupted)) < 0)
                return n;
        if (n != example->n_tokens && n != UNKNOWN && example->n_tokens != UNKNOWN)
                return refuse_record(in, "clean has %d tokens but corrupted has %d; they must be "
                                     "equally long: replace words by words of as many tokens",
                                     example->n_tokens, n);
        if ((rc = example->n_answers =
                     read_answers(in, "answer", "answers", &example->answers)) < 0)
                return rc;
        if ((rc = example->n_wrongs =
                     read_answers(in, "wrong", "wrongs", &example->wrongs)) < 0)
                return rc;
        if (!example->n_answers && !json_object_get(in->record, "at"))
                return refuse_record(in, "it has none of 'answers', 'answer' and 'at'");
        if ((rc = check_answers(in, example)) < 0 || (rc = read_at(in, example)) < 0)
                return rc;
        return hap_example_read_positions(in->record, in->tokenizer, in->texts_stay, in->where,
                                          in->arena, example, in->err);
}

int hap_example_of(const json_t *record, const struct hap_model *model,
                   const struct hap_tokenizer *tokenizer, const char *where,
                   struct hap_arena *arena, struct hap_example *example,
                   struct hap_error *err)
{
        const struct record_reader in = { record, model, tokenizer, false, where, arena, err };

        return read_task_record(&in, example);
}

int hap_example_check(const json_t *record, const char *where, struct hap_error *err)
{
        struct hap_arena arena;
        const struct record_reader in = { record, NULL, NULL, true, where, &arena, err };
        struct hap_example example;
        int rc;

        hap_arena_init(&arena);
        rc = read_task_record(&in, &example);
        hap_arena_release(&arena);
        return rc;
}

int hap_example_position(const struct hap_example *example, const char *name)
{
        for (int i = 0; i < example->n_named; i++)
                if (strcmp(example->named[i], name) == 0)
                        return example->named_at[i];
        return -1;
}

int hap_example_positions(const struct hap_example *example,
                          const struct hap_positions *positions, uint8_t *position_of,
                          struct hap_error *err)
{
        const int rest = positions->n - 1;

        memset(position_of, rest, (size_t)example->n_tokens);
        for (int p = 0; p < rest; p++) {
                const int at = hap_example_position(example, positions->name[p]);

                if (at < 0)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use example '%.200s': it has no position '%s'",
                                        example->id, positions->name[p]);
                if (position_of[at] != rest)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use example '%.200s': its positions '%s' and "
                                        "'%s' are the same token", example->id,
                                        positions->name[position_of[at]], positions->name[p]);
                position_of[at] = (uint8_t)p;
        }
        return HAP_OK;
}
