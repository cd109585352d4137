/* Text into words, by the steps of the pre-tokenizer one after another. Each
 * step sees a word of the previous step as a separate text, so no match looks beyond the
 * ends of a word. */
#include "tokenizer/tokenizer_split.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer_alphabet.h"
#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/tokenizer_pattern.h"

static int compile_step(struct hap_tokenizer *t, const char *pattern, size_t length,
                        uint32_t options, enum hap_split_behaviour behaviour, bool invert,
                        struct hap_error *err)
{
        int code;
        PCRE2_SIZE offset;
        struct hap_split_step *step = &t->split[t->n_split];

        if (t->n_split == HAP_STEPS_MAX)
                return hap_fail(err, HAP_EINPUT, "more than %d pre-tokenizers",
                                HAP_STEPS_MAX);
        step->code = pcre2_compile((PCRE2_SPTR)pattern, length,
                                   PCRE2_UTF | PCRE2_NO_UTF_CHECK | options,
                                   &code, &offset, NULL);
        if (step->code == NULL) {
                PCRE2_UCHAR why[128];

                if (code == PCRE2_ERROR_HEAP_FAILED)
                        return hap_fail_memory(err, "a split pattern");
                pcre2_get_error_message(code, why, sizeof why);
                return hap_fail(err, HAP_EINPUT, "split pattern '%.200s': %s",
                                pattern, (char *)why);
        }
        step->behaviour = behaviour;
        step->invert = invert;
        t->n_split++;
        uint32_t may_be_empty = 0;
        pcre2_pattern_info(step->code, PCRE2_INFO_MATCHEMPTY, &may_be_empty);
        if (may_be_empty)
                return hap_fail(err, HAP_EINPUT,
                                "split pattern '%.200s' can match an empty text, "
                                "which is not supported", pattern);
        /* if this fails, the pattern is interpreted */
        pcre2_jit_compile(step->code, PCRE2_JIT_COMPLETE);
        return 0;
}

int hap_split_add(struct hap_tokenizer *t, const char *pattern, size_t length,
                  enum hap_split_behaviour behaviour, bool invert,
                  struct hap_error *err)
{
        struct hap_buffer translated = { 0 };
        int rc = hap_pattern_translate(pattern, length, &translated, err);

        if (rc == 0)
                rc = compile_step(t, translated.data, translated.length,
                             PCRE2_UCP | PCRE2_MULTILINE, behaviour, invert, err);
        free(translated.data);
        return rc;
}

int hap_split_add_literal(struct hap_tokenizer *t, const char *text,
                          size_t length, enum hap_split_behaviour behaviour,
                          bool invert, struct hap_error *err)
{
        if (length == 0)
                return hap_fail(err, HAP_EINPUT, "a Split has an empty pattern");
        return compile_step(t, text, length, PCRE2_LITERAL, behaviour, invert, err);
}

/* The pieces that a step makes of a word: its matches and the text between them. */
struct joiner {
        struct hap_pieces *out;
        size_t first; /* of `out`: pieces of this word */
        enum hap_split_behaviour behaviour;
        bool previous; /* was a match */
};

static int add_stretch(struct joiner *j, size_t start, size_t length, bool matched)
{
        struct hap_pieces *out = j->out;
        bool previous = j->previous, any = out->n > j->first, join = false;

        j->previous = matched;
        switch (j->behaviour) {
        case HAP_SPLIT_ISOLATED:
                break;
        case HAP_SPLIT_REMOVED:
                if (matched)
                        return 0;
                break;
        case HAP_SPLIT_CONTIGUOUS:
                join = any && matched == previous;
                break;
        case HAP_SPLIT_MERGED_WITH_PREVIOUS:
                join = any && matched && !previous;
                break;
        case HAP_SPLIT_MERGED_WITH_NEXT:
                join = any && !matched && previous;
                break;
        }
        if (join) {
                out->items[out->n - 1].length += length;
                return 0;
        }
        return hap_pieces_add(out, start, length, -1);
}

/* 1 if there is a match, in the match data; 0 if there is none; or a negative code. */
static int next_match(struct hap_encoder *e, const struct hap_split_step *step,
                      const char *word, size_t length, size_t from)
{
        PCRE2_SPTR subject = (PCRE2_SPTR)word;
        PCRE2_UCHAR why[128];
        int rc = pcre2_match(step->code, subject, length, from, PCRE2_NO_UTF_CHECK,
                             e->match, NULL);

        if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
                rc = pcre2_match(step->code, subject, length, from,
                                 PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, e->match, NULL);
        if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
                return rc >= 0;
        if (rc == PCRE2_ERROR_NOMEMORY)
                return hap_fail_memory(e->err, "a text");
        pcre2_get_error_message(rc, why, sizeof why);
        return hap_fail(e->err, HAP_EINPUT, "cannot split a text into words: %s",
                        (char *)why);
}

static int split_word(struct hap_encoder *e, const struct hap_split_step *step,
                      const char *text, struct hap_piece word)
{
        const PCRE2_SIZE *found = pcre2_get_ovector_pointer(e->match);
        struct joiner j = { &e->spare, e->spare.n, step->behaviour, false };
        size_t done = 0;
        int rc = 0;

        while (rc == 0 && done < word.length) {
                int any = next_match(e, step, text + word.start, word.length, done);

                if (any < 0)
                        return any;
                size_t start = any ? found[0] : word.length;
                if (start > done)
                        rc = add_stretch(&j, word.start + done, start - done,
                                         step->invert);
                if (rc == 0 && any)
                        rc = add_stretch(&j, word.start + start, found[1] - start,
                                         !step->invert);
                done = any ? found[1] : word.length;
        }
        return rc == 0 ? 0 : hap_fail_memory(e->err, "the words of a text");
}

/* Characters in UTF-8. */
static size_t count_characters(const char *text, size_t length)
{
        size_t n = 0;

        for (size_t i = 0; i < length; i++)
                n += ((unsigned char)text[i] & 0xc0) != 0x80;
        return n;
}

/* The step sees the word in GPT-2's alphabet. Each character of it is a byte, so that a piece may
 * begin or end within a character of the text. */
static int split_in_alphabet(struct hap_encoder *e, const struct hap_split_step *step,
                             const char *text, struct hap_piece word)
{
        size_t first = e->spare.n, done = 0, byte = word.start;
        char *shown = malloc(2 * word.length + 1);
        int rc;

        if (shown == NULL)
                return hap_fail_memory(e->err, "the words of a text");
        size_t length = hap_to_alphabet(text + word.start, word.length, shown);
        rc = split_word(e, step, shown, (struct hap_piece){ 0, length, -1 });
        for (size_t i = first; rc == 0 && i < e->spare.n; i++) {
                struct hap_piece *piece = &e->spare.items[i];
                size_t n = count_characters(shown + piece->start, piece->length);

                byte += count_characters(shown + done, piece->start - done);
                done = piece->start + piece->length;
                *piece = (struct hap_piece){ byte, n, -1 };
                byte += n;
        }
        free(shown);
        return rc;
}

int hap_split_words(struct hap_encoder *e, const char *text, size_t length)
{
        e->words.n = 0;
        if (length == 0)
                return 0;
        if (hap_pieces_add(&e->words, 0, length, -1) != 0)
                return hap_fail_memory(e->err, "the words of a text");
        for (size_t s = 0; s < e->t->n_split; s++) {
                const struct hap_split_step *step = &e->t->split[s];

                e->spare.n = 0;
                for (size_t i = 0; i < e->words.n; i++) {
                        struct hap_piece word = e->words.items[i];
                        int rc = step->in_alphabet ? split_in_alphabet(e, step, text, word)
                                                   : split_word(e, step, text, word);
                        if (rc != 0)
                                return rc;
                }
                struct hap_pieces words = e->spare;
                e->spare = e->words;
                e->words = words;
        }
        return 0;
}
