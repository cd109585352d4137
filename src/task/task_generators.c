/* Indirect objects, later years and pronouns, in hap's own sentences. */
#include "task/task_generators.h"

#include <stdio.h>
#include <string.h>

#include "task/task_words.h"

/* The slots of random numbers. All generators use the first ones; tries for names that must
 * belong to the split use slots from OTHERS on. */
enum { SENTENCE, FIRST, SECOND, THIRD, FOURTH, OTHERS = 16, MORE = 4096, LAST = 8192 };
#define MAX_OTHERS 500

static json_t *list_of_word(const char *word)
{
        char text[64];

        snprintf(text, sizeof text, " %s", word);
        return json_pack("[s]", text);
}

/* --- indirect objects ---
 * Pairs of names are divided into splits, so that test prompts use pairs that training
 * prompts do not. In every corruption, too, the first two names are a pair of the split. */

struct ioi {
        const char *sentence, *place, *object;
        bool subject_first;
};

static bool in_pair_split(const struct hap_draw *draw, const char *a, const char *b)
{
        bool swap = strcmp(a, b) > 0;

        return strcmp(a, b) != 0 && hap_draw_in_split(draw, "ioi", swap ? b : a, swap ? a : b);
}

static bool fill_ioi(char out[HAP_PROMPT_BYTES], const struct ioi *ioi, const char *io,
                     const char *s1, const char *s2)
{
        return hap_fill(out, ioi->sentence, 'A', ioi->subject_first ? s1 : io, 'B',
                        ioi->subject_first ? io : s1, 'S', s2, 'P', ioi->place, 'O',
                        ioi->object, 0);
}

static bool is_neither(const char *name, const char *io, const char *s)
{
        return strcmp(name, io) != 0 && strcmp(name, s) != 0;
}

/* Two names that are a pair of the split and differ from io and s. `given`: the first name,
 * or NULL. */
static bool draw_others(const struct hap_draw *draw, uint64_t slot, const char *io,
                        const char *s, const char *given, const char *others[2])
{
        for (uint64_t i = 0; i < MAX_OTHERS; i++, slot += 2) {
                others[0] = given ? given : hap_draw_word(draw, slot, draw->people);
                others[1] = hap_draw_word(draw, slot + 1, draw->people);
                if (in_pair_split(draw, others[0], others[1]) && is_neither(others[1], io, s) &&
                    (given || is_neither(others[0], io, s)))
                        return true;
        }
        return false;
}

static bool generate_ioi(const struct hap_draw *draw, struct hap_draft *out)
{
        const char *io = hap_draw_word(draw, FIRST, draw->people);
        const char *s = hap_draw_word(draw, SECOND, draw->people);
        const char *two[2], *with_io[2], *fifth;
        struct ioi ioi = {
                .sentence = hap_draw_word(draw, SENTENCE, hap_words_all(hap_sentences_ioi)),
                .place = hap_draw_word(draw, THIRD, draw->places),
                .object = hap_draw_word(draw, FOURTH, draw->objects),
                .subject_first = draw->made % 2, /* in half of the prompts */
        };

        if (!in_pair_split(draw, io, s) || !draw_others(draw, OTHERS, io, s, NULL, two) ||
            !draw_others(draw, MORE, io, s, io, with_io))
                return false;
        fifth = hap_draw_word(draw, LAST, draw->people);
        if (!strcmp(fifth, io) || !strcmp(fifth, s) || !strcmp(fifth, two[0]) ||
            !strcmp(fifth, two[1]))
                return false;
        snprintf(out->answer, sizeof out->answer, " %s", io);
        out->answers = list_of_word(io);
        out->wrongs = list_of_word(s);
        /* The order is that of the task's corruptions in hap_tasks. */
        return fill_ioi(out->clean, &ioi, io, s, s) &&
               fill_ioi(out->corrupted[0], &ioi, two[0], two[1], fifth) &&
               fill_ioi(out->corrupted[1], &ioi, io, s, io) &&
               fill_ioi(out->corrupted[2], &ioi, s, io, s) &&
               fill_ioi(out->corrupted[3], &ioi, io, with_io[1], s) &&
               fill_ioi(out->corrupted[4], &ioi, two[0], two[1], two[1]);
}

/* Men and women in one list. */
static int join_people(struct hap_draw *draw, struct hap_error *err)
{
        size_t n = draw->men.n + draw->women.n;
        const char **items = hap_arena_alloc(&draw->arena, n + 1, sizeof *items);

        if (!items)
                return hap_fail_memory(err, "names");
        for (size_t i = 0; i < n; i++)
                items[i] = i < draw->men.n ? draw->men.items[i]
                                            : draw->women.items[i - draw->men.n];
        draw->people = (struct hap_words){ items, n };
        return 0;
}

static int prepare_names(struct hap_draw *draw, struct hap_error *err)
{
        int rc = hap_draw_words(draw, "men's names", hap_words_men, 5, &draw->men, err);

        if (rc == 0)
                rc = hap_draw_words(draw, "women's names", hap_words_women, 5,
                                     &draw->women, err);
        return rc;
}

static int prepare_ioi(struct hap_draw *draw, struct hap_error *err)
{
        int rc = prepare_names(draw, err);

        if (rc == 0)
                rc = join_people(draw, err);
        if (rc == 0)
                rc = hap_draw_words(draw, "places", hap_words_places, 1, &draw->places, err);
        if (rc == 0)
                rc = hap_draw_words(draw, "objects", hap_words_objects, 1, &draw->objects,
                                     err);
        return rc;
}

/* --- later years ---
 * Triples of sentence, event and century are divided into splits. If two digits are one
 * token, the answers are all later years. If each digit is a token, the answers are the
 * greater tens; the tens of the year itself may be right or wrong and are in neither list. */

#define FIRST_CENTURY 11
#define N_CENTURIES 9

static json_t *list_of_numbers(int first, int end, int digits)
{
        json_t *list = json_array();

        for (int i = first; i < end; i++) {
                char text[16];

                snprintf(text, sizeof text, digits == 2 ? "%02d" : "%d", i);
                json_array_append_new(list, json_string(text));
        }
        return list;
}

static bool fill_year(char out[HAP_PROMPT_BYTES], const char *sentence, const char *event,
                      const char *century, int year)
{
        char digits[16];

        snprintf(digits, sizeof digits, "%02d", year);
        return hap_fill(out, sentence, 'E', event, 'C', century, 'Y', digits, 0);
}

static bool generate_year(const struct hap_draw *draw, struct hap_draft *out)
{
        const char *sentence = hap_draw_word(draw, SENTENCE,
                                              hap_words_all(hap_sentences_years));
        const char *event = hap_draw_word(draw, FIRST, hap_words_all(hap_words_events));
        bool whole = draw->year_digits == 2;
        int first = whole ? 2 : 10, last = whole ? 98 : 89;
        size_t n_years = (size_t)(last - first) + 1;
        int year = first + (int)hap_draw_number(draw, THIRD, n_years);
        int other = first + (int)hap_draw_number(draw, FOURTH, n_years);
        char century[16];

        snprintf(century, sizeof century, "%d",
                 FIRST_CENTURY + (int)hap_draw_number(draw, SECOND, N_CENTURIES));
        if (other == year || !hap_draw_in_split(draw, sentence, event, century))
                return false;
        out->answers =
                whole ? list_of_numbers(year + 1, 100, 2) : list_of_numbers(year / 10 + 1, 10, 1);
        out->wrongs = whole ? list_of_numbers(0, year + 1, 2) : list_of_numbers(0, year / 10, 1);
        snprintf(out->answer, sizeof out->answer, whole ? "%02d" : "%d",
                 whole ? year : year / 10);
        return fill_year(out->clean, sentence, event, century, year) &&
               fill_year(out->corrupted[0], sentence, event, century, 1) &&
               fill_year(out->corrupted[1], sentence, event, century, other);
}

static bool all_single(const struct hap_tokenizer *tokenizer, int digits)
{
        for (int i = 0; i < (digits == 2 ? 100 : 10); i++) {
                char text[16];

                snprintf(text, sizeof text, digits == 2 ? "%02d" : "%d", i);
                if (hap_tokenizer_single(tokenizer, text) < 0)
                        return false;
        }
        return true;
}

/* Whether a token of the year begins where the answer does: after the century. */
static bool divides(const struct hap_tokenizer *tokenizer, const char *century, const char *rest)
{
        int32_t ids[16], apart[16];
        struct hap_error err;
        char year[16];
        int n, all;

        snprintf(year, sizeof year, "%.4s%.4s", century, rest);
        n = hap_tokenizer_continue(tokenizer, century, strlen(century), apart, 8, &err);
        all = hap_tokenizer_continue(tokenizer, year, strlen(year), ids, 16, &err);
        return n > 0 && n <= 8 && all > n && all <= 16 &&
               memcmp(ids, apart, (size_t)n * sizeof *ids) == 0;
}

/* Whether answers of `digits` digits are tokens of their own in any year. */
static bool some_divide(const struct hap_tokenizer *tokenizer, int digits)
{
        for (int century = FIRST_CENTURY; century < FIRST_CENTURY + N_CENTURIES; century++)
                for (int year = digits == 2 ? 2 : 10; year < 99; year++) {
                        char first[16], rest[16];

                        snprintf(first, sizeof first, "%d", century);
                        snprintf(rest, sizeof rest, "%02d", year);
                        if (digits == 1)
                                rest[1] = '\0';
                        if (divides(tokenizer, first, rest))
                                return true;
                }
        return false;
}

/* "1732" as its tokens: '173' '2'. */
static void show_division(const struct hap_tokenizer *tokenizer, const char *text, char *out,
                          size_t size)
{
        struct hap_error err;
        int32_t ids[16];
        int n = hap_tokenizer_continue(tokenizer, text, strlen(text), ids, 16, &err);
        size_t used = 0;

        *out = '\0';
        for (int i = 0; i < n && i < 16 && used < size; i++) {
                const char *token = hap_tokenizer_text(tokenizer, ids[i], NULL);

                used += (size_t)snprintf(out + used, size - used, "%s'%.20s'", i ? " " : "",
                                         token ? token : "?");
        }
}

static int prepare_years(struct hap_draw *draw, struct hap_error *err)
{
        bool single = false;
        char division[200];

        for (int digits = 2; digits > 0 && !draw->year_digits; digits--)
                if (all_single(draw->tokenizer, digits)) {
                        single = true;
                        if (some_divide(draw->tokenizer, digits))
                                draw->year_digits = digits;
                }
        if (draw->year_digits)
                return 0;
        show_division(draw->tokenizer, "1732", division, sizeof division);
        if (single)
                return hap_fail(err, HAP_EINPUT,
                                "cannot generate prompts for task 'greater-than': this model's "
                                "tokenizer groups the digits of 1732 as %s, so that no answer to "
                                "a prompt that ends in 17 is a token of its own; write prompts "
                                "for such groups and read them with --from", division);
        return hap_fail(err, HAP_EINPUT, "cannot generate prompts for task 'greater-than': neither "
                        "two digits nor one are always one token in this model");
}

/* --- pronouns ---
 * Pairs of name and sentence are divided into splits. The other name belongs to the same
 * split. */

static bool generate_pronoun(const struct hap_draw *draw, struct hap_draft *out)
{
        const char *sentence = hap_draw_word(draw, SENTENCE,
                                              hap_words_all(hap_sentences_pronoun));
        bool man = draw->made % 2; /* half of the prompts */
        const char *name = hap_draw_word(draw, FIRST, man ? draw->men : draw->women);
        const char *adjective = hap_draw_word(draw, SECOND,
                                               hap_words_all(hap_words_adjectives));
        const char *role = hap_draw_word(draw, THIRD, hap_words_all(hap_words_roles));
        const char *other = NULL;

        if (!hap_draw_in_split(draw, "pronoun", sentence, name))
                return false;
        for (uint64_t i = 0; i < MAX_OTHERS && !other; i++) {
                const char *word = hap_draw_word(draw, OTHERS + i,
                                                  man ? draw->women : draw->men);

                if (hap_draw_in_split(draw, "pronoun", sentence, word))
                        other = word;
        }
        if (!other)
                return false;
        snprintf(out->answer, sizeof out->answer, " %s", man ? "he" : "she");
        out->answers = list_of_word(man ? "he" : "she");
        out->wrongs = list_of_word(man ? "she" : "he");
        return hap_fill(out->clean, sentence, 'N', name, 'J', adjective, 'R', role, 0) &&
               hap_fill(out->corrupted[0], sentence, 'N', other, 'J', adjective, 'R', role, 0);
}

static const struct hap_generator generators[] = {
        { "ioi", prepare_ioi, generate_ioi },
        { "greater-than", prepare_years, generate_year },
        { "gendered-pronoun", prepare_names, generate_pronoun },
};

const struct hap_generator *hap_generator_find(const char *task)
{
        for (size_t i = 0; i < sizeof generators / sizeof *generators; i++)
                if (strcmp(generators[i].task, task) == 0)
                        return &generators[i];
        return NULL;
}
