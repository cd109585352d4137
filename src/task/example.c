#include "task/example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/example_positions.h"
#include "task/record_reader.h"

static int encode_prompt(const struct hap_record_reader *in, const char *what, const json_t *text,
                         int32_t **ids)
{
        const char *bytes = json_string_value(text);
        size_t length = json_string_length(text);
        int n;

        if (!in->tokenizer)
                return hap_refuse_record(in, "%s is text and there is no tokenizer; "
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

static int read_token_ids(const struct hap_record_reader *in, const char *what, const json_t *list,
                          int limit, int32_t **ids)
{
        size_t n = json_array_size(list);

        if (n > INT32_MAX)
                return hap_refuse_record(in, "%s has too many tokens", what);
        *ids = hap_arena_alloc(in->arena, n + 1, sizeof **ids);
        if (!*ids)
                return hap_fail_memory(in->err, "token ids");
        for (size_t i = 0; i < n; i++) {
                int rc = hap_read_token_id(in, json_array_get(list, i), what, limit, *ids + i);

                if (rc < 0)
                        return rc;
        }
        return (int)n;
}

/* Reads "clean" or "corrupted". Returns the number of tokens, or a code. */
static int read_prompt(const struct hap_record_reader *in, const char *what,
                       const int32_t **tokens)
{
        const json_t *value = json_object_get(in->record, what);
        int limit = in->model ? in->model->config.n_vocab : 0;
        int context = in->model ? in->model->config.n_context : INT32_MAX;
        int32_t *ids = NULL;
        int n;

        if (!value)
                return hap_refuse_record(in, "there is no '%s'", what);
        if (json_is_string(value) && json_string_length(value) == 0)
                return hap_refuse_record(in, "%s has no tokens", what);
        if (json_is_string(value) && in->texts_stay)
                return HAP_UNKNOWN_LENGTH;
        if (json_is_string(value))
                n = encode_prompt(in, what, value, &ids);
        else if (json_is_array(value))
                n = read_token_ids(in, what, value, limit, &ids);
        else
                return hap_refuse_record(in, "%s is neither text nor a list of token ids", what);
        if (n < 0)
                return n;
        if (n == 0)
                return hap_refuse_record(in, "%s has no tokens", what);
        if (n > context)
                return hap_refuse_record(in, "%s has %d tokens, the model has %d positions", what,
                              n, context);
        for (int i = 0; limit && i < n; i++)
                if (ids[i] >= limit)
                        return hap_refuse_record(in, "%s has token id %d, the model's ids end at %d",
                                      what, (int)ids[i], limit - 1);
        *tokens = ids;
        return n;
}

/* Reads "at": an ascending range of positions without a gap. */
static int read_at(const struct hap_record_reader *in, struct hap_example *example)
{
        const json_t *at = json_object_get(in->record, "at");
        size_t n = json_array_size(at);

        example->answer_first = example->n_tokens - 1;
        example->n_answer_positions = 1;
        if (!at)
                return 0;
        if (!json_is_array(at) || n == 0)
                return hap_refuse_record(in, "at is not a list of positions");
        for (size_t i = 0; i < n; i++) {
                const json_t *value = json_array_get(at, i);
                json_int_t position = json_integer_value(value);

                if (!json_is_integer(value) || position < 0 || position >= example->n_tokens)
                        return hap_refuse_record(in, "at contains a position outside 0 to %d",
                                      example->n_tokens - 1);
                if (i == 0)
                        example->answer_first = (int)position;
                else if (position != example->answer_first + (json_int_t)i)
                        return hap_refuse_record(in, "at is not one ascending range of positions");
        }
        example->n_answer_positions = (int)n;
        return 0;
}

static int read_id(const struct hap_record_reader *in, struct hap_example *example)
{
        const json_t *id = json_object_get(in->record, "id");
        char number[32];

        if (id && !json_is_string(id) && !json_is_integer(id))
                return hap_refuse_record(in, "id is neither text nor a whole number");
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        if (json_is_string(id))
                example->id = hap_arena_text(in->arena, json_string_value(id),
                                             json_string_length(id));
        else
                example->id = hap_arena_text(in->arena, number, id ? strlen(number) : 0);
        return example->id ? 0 : hap_fail_memory(in->err, "an id");
}

static int read_task_record(const struct hap_record_reader *in, struct hap_example *example)
{
        int n, rc;

        *example = (struct hap_example){ 0 };
        if (!json_is_object(in->record))
                return hap_refuse_record(in, "it is not an object");
        if ((rc = read_id(in, example)) < 0)
                return rc;
        if ((rc = example->n_tokens = read_prompt(in, "clean", &example->clean)) < 0)
                return rc;
        if ((n = read_prompt(in, "corrupted", &example->corrupted)) < 0)
                return n;
        if (n != example->n_tokens && n != HAP_UNKNOWN_LENGTH && example->n_tokens != HAP_UNKNOWN_LENGTH)
                return hap_refuse_record(in, "clean has %d tokens but corrupted has %d; they must be "
                                     "equally long: replace words by words of as many tokens",
                                     example->n_tokens, n);
        if ((rc = hap_read_answers(in, example)) < 0)
                return rc;
        if (!example->n_answers && !json_object_get(in->record, "at"))
                return hap_refuse_record(in, "it has none of 'answers', 'answer' and 'at'");
        if ((rc = read_at(in, example)) < 0)
                return rc;
        rc = hap_example_read_positions(in->record, in->tokenizer, in->texts_stay, in->where,
                                        in->arena, example, in->err);
        return rc < 0 || !example->whole ? rc : hap_append_answers(in, example);
}

int hap_example_of(const json_t *record, const struct hap_model *model,
                   const struct hap_tokenizer *tokenizer, const char *where,
                   struct hap_arena *arena, struct hap_example *example,
                   struct hap_error *err)
{
        const struct hap_record_reader in = { record, model, tokenizer, false, where, arena, err };

        return read_task_record(&in, example);
}

int hap_example_check(const json_t *record, const char *where, struct hap_error *err)
{
        struct hap_arena arena;
        const struct hap_record_reader in = { record, NULL, NULL, true, where, &arena, err };
        struct hap_example example;
        int rc;

        hap_arena_init(&arena);
        rc = read_task_record(&in, &example);
        hap_arena_release(&arena);
        return rc;
}

double hap_answer_log_probability(const struct hap_answer *answer, int n_out, const float *rows,
                                  const double *log_sum)
{
        double sum = 0;

        for (int t = 0; t < answer->n; t++) {
                const size_t at = (size_t)answer->at[t];

                sum += (double)rows[at * (size_t)n_out + (size_t)answer->tokens[t]] -
                       (log_sum ? log_sum[at] : 0);
        }
        return sum;
}

int hap_example_prompt_tokens(const struct hap_example *example)
{
        return example->whole ? example->answer_first + 1 : example->n_tokens;
}

int hap_example_position(const struct hap_example *example, const char *name)
{
        for (int i = 0; i < example->n_named; i++)
                if (strcmp(example->named[i], name) == 0)
                        return example->named_at[i];
        return -1;
}

static int fail_position(const struct hap_example *example, const char *name,
                         struct hap_error *err)
{
        char known[256] = "";
        size_t used = 0;

        for (int i = 0; i < example->n_named && used < sizeof known; i++)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                         i ? ", " : "; it has ", example->named[i]);
        return hap_fail(err, HAP_EINPUT, "cannot use example '%.200s': it has no position '%s'%s",
                        example->id, name, known);
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
                        return fail_position(example, positions->name[p], err);
                if (position_of[at] != rest)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use example '%.200s': its positions '%s' and "
                                        "'%s' are the same token", example->id,
                                        positions->name[position_of[at]], positions->name[p]);
                position_of[at] = (uint8_t)p;
        }
        return HAP_OK;
}
