/* The answers of a task record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/answer_tree.h"
#include "task/record_reader.h"

/* Refuses a text of several tokens that is one token after a space, which is usually missing. */
static int refuse_missing_space(const struct hap_record_reader *in, const char *what,
                                const char *text)
{
        char spaced[68];

        snprintf(spaced, sizeof spaced, " %.64s", text);
        if (strlen(text) > 64 || hap_tokenizer_single(in->tokenizer, spaced) < 0)
                return HAP_OK;
        return hap_refuse_record(in, "%s '%s' is not one token, '%s' is; if the answer has no "
                                 "space, give its token ids: [[id, ...]]", what, text, spaced);
}

/* Room for an answer's n tokens: that of its first, if it has no others. */
static int32_t *place_tokens(const struct hap_record_reader *in, size_t n,
                             struct hap_answer *answer, int32_t *first)
{
        int32_t *ids = n == 1 ? first : hap_arena_alloc(in->arena, n, sizeof *ids);

        if (!ids)
                hap_fail_memory(in->err, "answers");
        answer->tokens = ids;
        answer->n = (int)n;
        return ids;
}

/* The tokens that continue a prompt with the text. */
static int read_text(const struct hap_record_reader *in, const json_t *value, const char *what,
                     struct hap_answer *answer, int32_t *first)
{
        const char *text = json_string_value(value);
        const size_t length = json_string_length(value);
        int32_t *ids;
        int n;

        *first = hap_tokenizer_single(in->tokenizer, text);
        if (*first >= 0)
                return HAP_OK;
        if (refuse_missing_space(in, what, text) < 0)
                return in->err->code;
        n = hap_tokenizer_continue(in->tokenizer, text, length, NULL, 0, in->err);
        if (n < 0)
                return hap_fail_within(in->err, "cannot use %s: %s", in->where, what);
        if (n == 0)
                return hap_refuse_record(in, "%s contains an answer without tokens", what);
        ids = place_tokens(in, (size_t)n, answer, first);
        return !ids ? in->err->code
                    : hap_tokenizer_continue(in->tokenizer, text, length, ids, (size_t)n, in->err);
}

static int read_ids(const struct hap_record_reader *in, const json_t *value, const char *what,
                    int limit, struct hap_answer *answer, int32_t *first)
{
        const size_t n = json_is_array(value) ? json_array_size(value) : 1;
        int32_t *ids;

        if (n == 0 || n >= INT32_MAX)
                return hap_refuse_record(in, "%s contains an empty list; a list in it is the token "
                                         "ids of one answer", what);
        ids = place_tokens(in, n, answer, first);
        if (!ids)
                return in->err->code;
        for (size_t i = 0; i < n; i++) {
                const json_t *id = json_is_array(value) ? json_array_get(value, i) : value;
                const int rc = hap_read_token_id(in, id, what, limit, ids + i);

                if (rc < 0)
                        return rc;
        }
        return HAP_OK;
}

/* Every token of an answer is predicted, and all but the last are tokens of a prompt. */
static int check_limits(const struct hap_record_reader *in, const json_t *value, const char *what,
                        const struct hap_answer *answer)
{
        const int limit = in->model ? in->model->config.n_out : 0;
        const int vocab = in->model ? in->model->config.n_vocab : 0;

        for (int i = 0; i < answer->n; i++) {
                const int32_t id = answer->tokens[i];

                if (limit && id >= limit && answer->n == 1)
                        return hap_refuse_record(in, "%s '%.64s' is token %d, the logits end at %d",
                                                 what, json_string_value(value), (int)id,
                                                 limit - 1);
                if ((limit && id >= limit) || (vocab && i + 1 < answer->n && id >= vocab))
                        return hap_refuse_record(in, "%s '%.64s' contains token %d, the ids end at "
                                                 "%d", what,
                                                 json_is_string(value) ? json_string_value(value)
                                                                       : "", (int)id,
                                                 (limit < vocab ? limit : vocab) - 1);
        }
        return HAP_OK;
}

static int read_answer(const struct hap_record_reader *in, const json_t *value, const char *what,
                       struct hap_answer *answer, int32_t *first)
{
        int rc;

        *first = HAP_NO_ID;
        *answer = (struct hap_answer){.n = 1, .tokens = first};
        if (json_is_integer(value) || json_is_array(value)) {
                rc = read_ids(in, value, what, in->model ? in->model->config.n_out : 0, answer,
                              first);
                return rc < 0 ? rc : check_limits(in, value, what, answer);
        }
        if (!json_is_string(value))
                return hap_refuse_record(in, "%s contains a value that is neither text nor a token "
                                         "id", what);
        if (json_string_length(value) == 0)
                return hap_refuse_record(in, "%s contains an empty text", what);
        if (in->texts_stay)
                return HAP_OK;
        if (!in->tokenizer)
                return hap_refuse_record(in, "%s is text and there is no tokenizer; "
                                         "token ids are needed", what);
        rc = read_text(in, value, what, answer, first);
        return rc < 0 ? rc : check_limits(in, value, what, answer);
}

/* A field as a list: "answers", or "answer" as a list of one. */
struct field {
        const char *name;
        const json_t *value; /* NULL: absent */
        size_t n;
};

/* An empty list is refused. */
static int find_field(const struct hap_record_reader *in, const char *singular, const char *plural,
                      struct field *field)
{
        const json_t *many = json_object_get(in->record, plural);
        const json_t *one = json_object_get(in->record, singular);
        const json_t *value = many ? many : one;

        *field = (struct field){many ? plural : singular, value,
                                json_is_array(value) ? json_array_size(value) : value != NULL};
        if (many && one)
                return hap_refuse_record(in, "there are both '%s' and '%s'", singular, plural);
        if (value && field->n == 0)
                return hap_refuse_record(in, "%s is empty", field->name);
        return field->n >= INT32_MAX / 2 ? hap_fail_memory(in->err, "answers") : HAP_OK;
}

/* Reads the field's answers, and the first token of each. */
static int read_field(const struct hap_record_reader *in, const struct field *field,
                      struct hap_answer *whole, int32_t *first)
{
        for (size_t i = 0; i < field->n; i++) {
                const json_t *value = json_is_array(field->value) ? json_array_get(field->value, i)
                                                                  : field->value;
                const int rc = read_answer(in, value, field->name, whole + i, first + i);

                if (rc < 0)
                        return rc;
                first[i] = whole[i].tokens[0];
        }
        return HAP_OK;
}

/* --- answers that are the same, or begin another --- */

/* "5 6 7 ...": the ids of an answer. */
static const char *list_ids(const struct hap_answer *answer, char *text, size_t size)
{
        size_t used = 0;

        *text = '\0';
        for (int i = 0; i < answer->n && used + 20 < size; i++)
                used += (size_t)snprintf(text + used, size - used, "%s%d", i ? " " : "",
                                         (int)answer->tokens[i]);
        return text;
}

static int check_pair(const struct hap_record_reader *in, const struct hap_answer *a,
                      const struct hap_answer *b)
{
        char begin[128], all[128];

        if (a->tokens[0] == HAP_NO_ID || hap_shared_tokens(a, b) < a->n)
                return HAP_OK;
        if (a->n == 1 && b->n == 1)
                return hap_refuse_record(in, "token %d occurs twice in answers and wrongs",
                                         (int)a->tokens[0]);
        if (a->n == b->n)
                return hap_refuse_record(in, "tokens %s occur twice in answers and wrongs",
                                         list_ids(a, begin, sizeof begin));
        return hap_refuse_record(in, "one answer begins another: tokens %s and %s; append what ends "
                                 "the shorter one, such as '.'", list_ids(a, begin, sizeof begin),
                                 list_ids(b, all, sizeof all));
}

static int check_answers(const struct hap_record_reader *in, const struct hap_answer *whole,
                         size_t n)
{
        struct hap_answer **sorted = hap_sort_answers(whole, n);
        int rc = sorted ? HAP_OK : hap_fail_memory(in->err, "answers");

        for (size_t i = 1; i < n && rc == 0; i++)
                rc = check_pair(in, sorted[i - 1], sorted[i]);
        free(sorted);
        return rc;
}

int hap_read_answers(const struct hap_record_reader *in, struct hap_example *example)
{
        struct field right, wrong;
        struct hap_answer *whole;
        int32_t *first;
        size_t n;
        int rc = find_field(in, "answer", "answers", &right);

        if (rc < 0 || (rc = find_field(in, "wrong", "wrongs", &wrong)) < 0)
                return rc;
        n = right.n + wrong.n;
        whole = hap_arena_alloc(in->arena, n + 1, sizeof *whole);
        first = hap_arena_alloc(in->arena, n + 1, sizeof *first);
        if (!whole || !first)
                return hap_fail_memory(in->err, "answers");
        if ((rc = read_field(in, &right, whole, first)) < 0 ||
            (rc = read_field(in, &wrong, whole + right.n, first + right.n)) < 0 ||
            (rc = check_answers(in, whole, n)) < 0)
                return rc;
        example->answers = right.n ? first : NULL;
        example->wrongs = wrong.n ? first + right.n : NULL;
        example->n_answers = (int)right.n;
        example->n_wrongs = (int)wrong.n;
        for (size_t i = 0; i < n; i++)
                if (whole[i].n > 1)
                        example->whole = whole;
        return HAP_OK;
}
