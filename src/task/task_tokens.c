/* A task's record with token ids in place of text, and where its names are. */
#include "task/task.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "task/example.h"

/* The tokens of a text and where each begins in it: starts[n] is its length. */
struct spans {
        const char *text;
        int n;
        size_t starts[4096 + 1];
};

/* Lays the tokens along the text. A special token that the text does not show
 * (BOS) has no width; a first token's own leading space may be missing. False
 * when they do not spell the text. */
static bool lay_tokens(const struct hap_tokenizer *tokenizer, const char *text,
                       const int32_t *ids, int n, struct spans *spans)
{
        size_t length = strlen(text), at = 0;

        if (n > 4096)
                return false;
        spans->text = text;
        spans->n = n;
        for (int i = 0; i < n; i++) {
                size_t size = 0;
                const char *token = hap_tokenizer_text(tokenizer, ids[i], &size);

                spans->starts[i] = at;
                if (token && at == 0 && size > 1 && *token == ' ' && *text != ' ')
                        token++, size--;
                if (token && size <= length - at && memcmp(token, text + at, size) == 0)
                        at += size;
                else if (at > 0)
                        return false;
        }
        spans->starts[n] = at;
        return at == length;
}

/* The token that holds the character, or -1. */
static int token_at(const struct spans *spans, size_t character)
{
        for (int i = spans->n - 1; i >= 0; i--)
                if (spans->starts[i] <= character && character < spans->starts[i + 1])
                        return i;
        return -1;
}

static bool is_word(char c)
{
        return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Where the word stands for the `nth` time from 0 on, as a whole word; leading
 * spaces of `word` do not count. NULL: it does not. */
static const char *find_word(const char *text, const char *word, int nth)
{
        size_t length;

        word += strspn(word, " ");
        length = strlen(word);
        for (const char *at = text; length && (at = strstr(at, word)) != NULL; at++) {
                bool whole = (at == text || !is_word(at[-1])) && !is_word(at[length]);

                if (whole && nth-- == 0)
                        return at;
        }
        return NULL;
}

struct naming {
        const struct spans *spans;
        const char *clean, *corrupted, *answer, *wrong;
        json_t *positions;
};

/* Names the token that holds the character, and `after` the one behind it. */
static void name_place(struct naming *in, const char *name, const char *after,
                       const char *place)
{
        int token = place ? token_at(in->spans, (size_t)(place - in->clean)) : -1;

        if (token < 0)
                return;
        json_object_set_new(in->positions, name, json_integer(token));
        if (after && token + 1 < in->spans->n)
                json_object_set_new(in->positions, after, json_integer(token + 1));
}

static void name_ioi(struct naming *in)
{
        name_place(in, "IO", NULL, find_word(in->clean, in->answer, 0));
        name_place(in, "S1", "S1+1", find_word(in->clean, in->wrong, 0));
        name_place(in, "S2", NULL, find_word(in->clean, in->wrong, 1));
}

/* The first run of four digits: XX its first two, YY its last two. */
static void name_years(struct naming *in)
{
        for (const char *at = in->clean; *at; at++) {
                size_t digits = strspn(at, "0123456789");

                if (digits == 4) {
                        name_place(in, "XX", NULL, at);
                        name_place(in, "YY", NULL, at + 2);
                        return;
                }
                at += digits ? digits - 1 : 0;
        }
}

/* The name is the first word that the corrupted prompt has not. */
static void name_person(struct naming *in)
{
        const char *at = in->clean;

        for (size_t i = 0; in->clean[i] && in->clean[i] == in->corrupted[i]; i++)
                if (!is_word(in->clean[i]))
                        at = in->clean + i + 1;
        name_place(in, "NAME", NULL, at);
}

/* The last word's first place, and what followed it. */
static void name_repeat(struct naming *in)
{
        const char *last = strrchr(in->clean, ' ');

        if (last)
                name_place(in, "FIRST", "FIRST+1", find_word(in->clean, last, 0));
}

static void name_argument(struct naming *in)
{
        name_place(in, "ANSWER", NULL, find_word(in->clean, in->answer, 0));
        name_place(in, "WRONG", NULL, find_word(in->clean, in->wrong, 0));
}

static const struct {
        const char *task;
        void (*name)(struct naming *in);
} namings[] = {
        { "ioi", name_ioi },
        { "greater-than", name_years },
        { "gendered-pronoun", name_person },
        { "induction", name_repeat },
        { "docstring", name_argument },
};

static const char *first_text(const json_t *record, const char *field)
{
        const json_t *list = json_object_get(record, field);

        return json_string_value(json_is_array(list) ? json_array_get(list, 0) : list);
}

/* The positions that the task has names for; END is the last token. */
static json_t *named_positions(const json_t *record, const char *task,
                               const struct hap_task_model *model,
                               const struct hap_example *example)
{
        struct spans spans;
        struct naming in = {
                .spans = &spans,
                .clean = first_text(record, "clean"),
                .corrupted = first_text(record, "corrupted"),
                .answer = first_text(record, "answers"),
                .wrong = first_text(record, "wrongs"),
        };

        in.positions = json_object();
        if (!in.clean || !in.corrupted || !in.answer || !in.wrong || !in.positions ||
            !lay_tokens(model->tokenizer, in.clean, example->clean, example->n_tokens, &spans))
                return in.positions;
        for (size_t i = 0; i < sizeof namings / sizeof *namings; i++)
                if (task && hap_same_name(task, namings[i].task)) {
                        namings[i].name(&in);
                        json_object_set_new(in.positions, "END",
                                            json_integer(example->n_tokens - 1));
                }
        return in.positions;
}

static json_t *ids_of(const int32_t *ids, int n)
{
        json_t *list = json_array();

        for (int i = 0; i < n; i++)
                if (json_array_append_new(list, json_integer(ids[i])) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

/* The texts of the prompts, for the reader's eye; NULL when there are none. */
static json_t *texts_of(const json_t *record)
{
        json_t *clean = json_object_get(record, "clean");
        json_t *corrupted = json_object_get(record, "corrupted");

        if (!json_is_string(clean) || !json_is_string(corrupted))
                return NULL;
        return json_pack("{s:O, s:O}", "clean", clean, "corrupted", corrupted);
}

static bool all_ids(const json_t *record)
{
        return !json_is_string(json_object_get(record, "clean")) &&
               !json_is_string(json_object_get(record, "corrupted")) &&
               !first_text(record, "answers") && !first_text(record, "wrongs");
}

/* The record with token ids as a new reference in *out. */
static int tokenise(const json_t *record, const char *task, const struct hap_task_model *model,
                    const char *where, json_t **out, struct hap_error *err)
{
        struct hap_arena arena;
        struct hap_example example;
        json_t *ids = NULL, *given = json_object_get(record, "positions"), *positions, *texts;
        int failed = 0, rc;

        *out = NULL;
        if (!model->tokenizer && !all_ids(record))
                return hap_fail(err, HAP_EINPUT, "cannot use %s, which is text: %s", where,
                                model->no_tokenizer);
        hap_arena_init(&arena);
        rc = hap_example_of(record, model->model, model->tokenizer, where, &arena, &example,
                            err);
        if (rc < 0)
                goto out;
        ids = json_pack("{s:O, s:o, s:o}", "id", json_object_get(record, "id"), "clean",
                        ids_of(example.clean, example.n_tokens), "corrupted",
                        ids_of(example.corrupted, example.n_tokens));
        if (example.n_answers)
                failed |= json_object_set_new(ids, "answers",
                                              ids_of(example.answers, example.n_answers));
        if (example.n_wrongs)
                failed |= json_object_set_new(ids, "wrongs",
                                              ids_of(example.wrongs, example.n_wrongs));
        if (json_object_get(record, "at"))
                failed |= json_object_set(ids, "at", json_object_get(record, "at"));
        positions = given ? json_incref(given) : named_positions(record, task, model, &example);
        if (json_object_size(positions))
                failed |= json_object_set(ids, "positions", positions);
        json_decref(positions);
        if ((texts = texts_of(record)) != NULL)
                failed |= json_object_set_new(ids, "text", texts);
        if (!ids || failed)
                rc = hap_fail_memory(err, "a record");
out:
        if (rc < 0)
                json_decref(ids);
        else
                *out = ids;
        hap_arena_release(&arena);
        return rc;
}

/* --- records that stay text --- */

static bool is_text(const json_t *value)
{
        return json_string_length(value) > 0;
}

static int check_text(const json_t *record, const char *field, const char *where,
                      struct hap_error *err)
{
        const json_t *value = json_object_get(record, field);

        if (!value)
                return hap_fail(err, HAP_EINPUT, "cannot use %s: there is no '%s'", where,
                                field);
        if (!is_text(value) && !(json_is_array(value) && json_array_size(value)))
                return hap_fail(err, HAP_EINPUT, "cannot use %s: %s is no text and no token ids",
                                where, field);
        return 0;
}

/* "answers" or "wrongs": absent, or a list of texts and ids that is not empty. */
static int check_list(const json_t *record, const char *singular, const char *plural,
                      const char *where, struct hap_error *err)
{
        const json_t *list = json_object_get(record, plural);

        if (list && json_object_get(record, singular))
                return hap_fail(err, HAP_EINPUT, "cannot use %s: there are both '%s' and '%s'",
                                where, singular, plural);
        if (list && json_array_size(list) == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use %s: %s is empty", where, plural);
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *item = json_array_get(list, i);

                if (json_is_string(item) && !is_text(item))
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use %s: %s holds an empty text: an answer is one "
                                        "token", where, plural);
                if (!json_is_string(item) && !json_is_integer(item))
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use %s: %s holds what is no text and no token id",
                                        where, plural);
        }
        return 0;
}

static int check_lengths(const json_t *record, const char *where, struct hap_error *err)
{
        const json_t *clean = json_object_get(record, "clean");
        const json_t *corrupted = json_object_get(record, "corrupted");

        if (!json_is_array(clean) || !json_is_array(corrupted) ||
            json_array_size(clean) == json_array_size(corrupted))
                return 0;
        return hap_fail(err, HAP_EINPUT,
                        "cannot use %s: clean has %zu tokens, corrupted %zu: "
                        "they must be equally long", where, json_array_size(clean),
                        json_array_size(corrupted));
}

static int check_record(const json_t *record, const char *where, struct hap_error *err)
{
        struct hap_arena arena;
        struct hap_example example;
        int rc;

        if ((rc = check_text(record, "clean", where, err)) < 0 ||
            (rc = check_text(record, "corrupted", where, err)) < 0 ||
            (rc = check_lengths(record, where, err)) < 0 ||
            (rc = check_list(record, "answer", "answers", where, err)) < 0 ||
            (rc = check_list(record, "wrong", "wrongs", where, err)) < 0)
                return rc;
        if (!json_object_get(record, "answers") && !json_object_get(record, "at"))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use %s: there is no 'answers', nor 'answer' or 'at'", where);
        if (!all_ids(record))
                return 0;
        hap_arena_init(&arena);
        rc = hap_example_of(record, NULL, NULL, where, &arena, &example, err);
        hap_arena_release(&arena);
        return rc;
}

/* By the rule that hap-forward names a graph's positions by. */
static int check_names(const json_t *record, const char *where, struct hap_error *err)
{
        const char *name;
        json_t *value;

        json_object_foreach(json_object_get(record, "positions"), name, value)
                if (hap_positions_check(name, err) < 0)
                        return hap_fail_within(err, "cannot use %s", where);
        return HAP_OK;
}

int hap_task_ready(json_t **record, const char *task, const struct hap_task_model *model,
                   const char *where, struct hap_error *err)
{
        json_t *ids;
        int rc = check_names(*record, where, err);

        if (rc < 0 || !model->model)
                return rc < 0 ? rc : check_record(*record, where, err);
        if ((rc = tokenise(*record, task, model, where, &ids, err)) < 0)
                return rc;
        json_decref(*record);
        *record = ids;
        return HAP_OK;
}

bool hap_task_ends_in_space(const json_t *record)
{
        const json_t *clean = json_object_get(record, "clean");
        size_t n = json_string_length(clean);

        return n && json_string_value(clean)[n - 1] == ' ' && !json_object_get(record, "at");
}

enum hap_task_difference hap_task_difference(const json_t *record, const struct hap_model *model)
{
        const json_t *clean = json_object_get(record, "clean");
        const json_t *corrupted = json_object_get(record, "corrupted");
        const json_t *at = json_object_get(record, "at");
        size_t end = json_array_size(clean);

        if (json_equal(clean, corrupted))
                return HAP_TASK_SAME;
        if (!model || !model->config.causal)
                return HAP_TASK_DIFFERS;
        if (at)
                end = (size_t)json_integer_value(json_array_get(at, json_array_size(at) - 1)) + 1;
        for (size_t i = 0; i < end; i++)
                if (!json_equal(json_array_get(clean, i), json_array_get(corrupted, i)))
                        return HAP_TASK_DIFFERS;
        return HAP_TASK_LATER;
}
