/* A task's record with token ids in place of text, and the task's named positions. */
#include "task/task_tokens.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "task/example.h"
#include "task/spans.h"
#include "task/task_kind.h"

static bool is_word(char c)
{
        return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The `nth` occurrence, from 0, of the word as a whole word; leading spaces of `word` are
 * ignored. NULL: there is none. */
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
        const struct hap_spans *spans;
        const char *clean, *corrupted, *answer, *wrong;
        json_t *positions;
};

/* Names the token that contains the character, and the next token `after`. */
static void name_token_at(struct naming *in, const char *name, const char *after,
                          const char *character)
{
        int token = character ? hap_spans_token(in->spans, (size_t)(character - in->clean)) : -1;

        if (token < 0)
                return;
        json_object_set_new(in->positions, name, json_integer(token));
        if (after && token + 1 < in->spans->n)
                json_object_set_new(in->positions, after, json_integer(token + 1));
}

static void name_ioi(struct naming *in)
{
        name_token_at(in, "IO", NULL, find_word(in->clean, in->answer, 0));
        name_token_at(in, "S1", "S1+1", find_word(in->clean, in->wrong, 0));
        name_token_at(in, "S2", NULL, find_word(in->clean, in->wrong, 1));
}

/* The first run of four digits: XX its first two, YY its last two. */
static void name_years(struct naming *in)
{
        for (const char *at = in->clean; *at; at++) {
                size_t digits = strspn(at, "0123456789");

                if (digits == 4) {
                        name_token_at(in, "XX", NULL, at);
                        name_token_at(in, "YY", NULL, at + 2);
                        return;
                }
                at += digits ? digits - 1 : 0;
        }
}

/* The name is the first word that differs in the corrupted prompt. */
static void name_person(struct naming *in)
{
        const char *at = in->clean;

        for (size_t i = 0; in->clean[i] && in->clean[i] == in->corrupted[i]; i++)
                if (!is_word(in->clean[i]))
                        at = in->clean + i + 1;
        name_token_at(in, "NAME", NULL, at);
}

/* The first occurrence of the last word, and the token after it. */
static void name_repeat(struct naming *in)
{
        const char *last = strrchr(in->clean, ' ');

        if (last)
                name_token_at(in, "FIRST", "FIRST+1", find_word(in->clean, last, 0));
}

static void name_argument(struct naming *in)
{
        name_token_at(in, "ANSWER", NULL, find_word(in->clean, in->answer, 0));
        name_token_at(in, "WRONG", NULL, find_word(in->clean, in->wrong, 0));
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

/* The text of the first answer: as the record has it, or that of its token. */
static const char *answer_text(const json_t *record, const char *field,
                               const struct hap_tokenizer *tokenizer, const int32_t *ids, int n)
{
        const json_t *list = json_object_get(record, field);
        const json_t *first = json_is_array(list) ? json_array_get(list, 0) : list;

        if (json_is_string(first))
                return json_string_value(first);
        return tokenizer && n ? hap_tokenizer_text(tokenizer, ids[0], NULL) : NULL;
}

/* Adds the positions that the task has names for; END is the last token. */
static int name_positions(struct naming *in, const char *task, const struct hap_task_model *model,
                          const struct hap_example *example, struct hap_error *err)
{
        struct hap_spans spans;
        int aligned;

        if (!in->clean || !in->corrupted || !in->answer || !in->wrong)
                return HAP_OK;
        aligned = hap_spans_find(&spans, model->tokenizer, in->clean, example->clean,
                                 hap_example_prompt_tokens(example), err);
        if (aligned < 0)
                return aligned;
        in->spans = &spans;
        if (aligned)
                for (size_t i = 0; i < sizeof namings / sizeof *namings; i++)
                        if (task && hap_same_name(task, namings[i].task)) {
                                namings[i].name(in);
                                json_object_set_new(in->positions, "END",
                                                    json_integer(hap_example_prompt_tokens(example) - 1));
                        }
        in->spans = NULL;
        hap_spans_release(&spans);
        return HAP_OK;
}

/* The record's own positions, or the task's. New reference in *positions. */
static int positions_of(const json_t *record, const char *task,
                        const struct hap_task_model *model, const struct hap_example *example,
                        json_t **positions, struct hap_error *err)
{
        struct naming in = {
                .clean = json_string_value(json_object_get(record, "clean")),
                .corrupted = json_string_value(json_object_get(record, "corrupted")),
                .answer = answer_text(record, "answers", model->tokenizer, example->answers,
                                      example->n_answers),
                .wrong = answer_text(record, "wrongs", model->tokenizer, example->wrongs,
                                     example->n_wrongs),
        };

        in.positions = *positions = json_object();
        if (!*positions)
                return hap_fail_memory(err, "positions");
        for (int i = 0; i < example->n_named; i++)
                if (json_object_set_new(*positions, example->named[i],
                                        json_integer(example->named_at[i])) < 0)
                        return hap_fail_memory(err, "positions");
        return json_object_get(record, "positions")
                       ? HAP_OK : name_positions(&in, task, model, example, err);
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

/* The answers `first` to first + n − 1 of all: an id, or the ids of an answer of several tokens. */
static json_t *answers_of(const struct hap_example *example, const int32_t *ids, int first, int n)
{
        json_t *list = ids_of(ids, n);

        for (int i = 0; example->whole && i < n; i++) {
                const struct hap_answer *answer = example->whole + first + i;

                if (answer->n > 1 && json_array_set_new(list, (size_t)i,
                                                        ids_of(answer->tokens, answer->n)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        }
        return list;
}

/* The texts of the prompts, for people to read; NULL when there are none. */
static json_t *texts_of(const json_t *record)
{
        json_t *clean = json_object_get(record, "clean");
        json_t *corrupted = json_object_get(record, "corrupted");

        if (!json_is_string(clean) || !json_is_string(corrupted))
                return NULL;
        return json_pack("{s:O, s:O}", "clean", clean, "corrupted", corrupted);
}

static bool has_text(const json_t *list)
{
        for (size_t i = 0; i < json_array_size(list); i++)
                if (json_is_string(json_array_get(list, i)))
                        return true;
        return json_is_string(list);
}

/* Whether any prompt or answer of the record is text. */
static bool needs_tokenizer(const json_t *record)
{
        static const char *const fields[] = { "clean", "corrupted", "answers", "wrongs" };

        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
                if (has_text(json_object_get(record, fields[i])))
                        return true;
        return false;
}

/* The record with token ids as a new reference in *out. */
static int tokenise(const json_t *record, const char *task, const struct hap_task_model *model,
                    const char *where, json_t **out, struct hap_error *err)
{
        struct hap_arena arena;
        struct hap_example example;
        json_t *ids = NULL, *positions = NULL, *texts;
        int failed = 0, n, rc;

        *out = NULL;
        if (!model->tokenizer && needs_tokenizer(record))
                return hap_fail(err, HAP_EINPUT, "cannot use %s, which is text: %s", where,
                                model->no_tokenizer);
        hap_arena_init(&arena);
        rc = hap_example_of(record, model->model, model->tokenizer, where, &arena, &example,
                            err);
        if (rc < 0 || (rc = positions_of(record, task, model, &example, &positions, err)) < 0)
                goto out;
        n = hap_example_prompt_tokens(&example);
        ids = json_pack("{s:O, s:o, s:o}", "id", json_object_get(record, "id"), "clean",
                        ids_of(example.clean, n), "corrupted", ids_of(example.corrupted, n));
        if (example.n_answers)
                failed |= json_object_set_new(ids, "answers",
                                              answers_of(&example, example.answers, 0,
                                                         example.n_answers));
        if (example.n_wrongs)
                failed |= json_object_set_new(ids, "wrongs",
                                              answers_of(&example, example.wrongs,
                                                         example.n_answers, example.n_wrongs));
        if (json_object_get(record, "at"))
                failed |= json_object_set(ids, "at", json_object_get(record, "at"));
        if (json_object_size(positions))
                failed |= json_object_set(ids, "positions", positions);
        if ((texts = texts_of(record)) != NULL)
                failed |= json_object_set_new(ids, "text", texts);
        if (!ids || failed)
                rc = hap_fail_memory(err, "a record");
out:
        if (rc < 0)
                json_decref(ids);
        else
                *out = ids;
        json_decref(positions);
        hap_arena_release(&arena);
        return rc;
}

/* A new record may only have names that a graph accepts; old streams may have others as
 * long as no graph uses them. */
static int check_position_names(const json_t *record, const char *where, struct hap_error *err)
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
        int rc = check_position_names(*record, where, err);

        if (rc < 0)
                return rc;
        if (!model->model)
                return hap_example_check(*record, where, err);
        if ((rc = tokenise(*record, task, model, where, &ids, err)) < 0)
                return rc;
        json_decref(*record);
        *record = ids;
        return HAP_OK;
}
