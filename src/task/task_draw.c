#include "task/task_draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

size_t hap_draw_number(const struct hap_draw *draw, uint64_t slot, size_t n)
{
        return (size_t)(hap_random_word(draw->key, draw->tried, slot) % n);
}

const char *hap_draw_word(const struct hap_draw *draw, uint64_t slot, struct hap_words words)
{
        return words.items[hap_draw_number(draw, slot, words.n)];
}

struct hap_words hap_words_all(const char *const *list)
{
        struct hap_words words = { list, 0 };

        while (list[words.n])
                words.n++;
        return words;
}

int hap_draw_words(struct hap_draw *draw, const char *what, const char *const *list, size_t min,
                   struct hap_words *words, struct hap_error *err)
{
        struct hap_words all = hap_words_all(list);
        const char **items = hap_arena_alloc(&draw->arena, all.n + 1, sizeof *items);
        size_t n = 0;

        if (!items)
                return hap_fail_memory(err, "words");
        for (size_t i = 0; i < all.n; i++) {
                char spaced[64];

                snprintf(spaced, sizeof spaced, " %s", list[i]);
                if (hap_tokenizer_single(draw->tokenizer, spaced) >= 0)
                        items[n++] = list[i];
        }
        if (n < min)
                return hap_fail(
                        err, HAP_EINPUT,
                        "cannot generate prompts for task '%s': %zu of %zu %s are one token "
                        "in this model, at least %zu must be",
                        draw->task->name, n, all.n, what, min);
        *words = (struct hap_words){ items, n };
        return 0;
}

bool hap_draw_in_split(const struct hap_draw *draw, const char *a, const char *b, const char *c)
{
        char key[HAP_PROMPT_BYTES * 2];
        int length = snprintf(key, sizeof key, "%s|%s|%s", a, b, c);
        uint64_t tenth = XXH3_64bits(key, (size_t)length) % 10;
        enum hap_split split = tenth == 0 ? HAP_VALIDATION : tenth == 1 ? HAP_TEST : HAP_TRAIN;

        return split == draw->split;
}

/* The text given for a letter, or NULL. */
static const char *text_for(int letter, va_list args)
{
        const char *found = NULL;

        for (int at = va_arg(args, int); at && !found; at = va_arg(args, int)) {
                const char *text = va_arg(args, const char *);

                if (at == letter)
                        found = text;
        }
        return found;
}

bool hap_fill(char out[HAP_PROMPT_BYTES], const char *sentence, ...)
{
        size_t used = 0;

        while (*sentence) {
                char plain[2] = { *sentence, '\0' };
                const char *text = plain;
                size_t length;

                if (*sentence == '{') {
                        va_list args;

                        va_start(args, sentence);
                        text = text_for(sentence[1], args);
                        va_end(args);
                        sentence += 2;
                }
                sentence++;
                length = text ? strlen(text) : 0;
                if (!text || used + length >= HAP_PROMPT_BYTES)
                        return false;
                memcpy(out + used, text, length);
                used += length;
        }
        out[used] = '\0';
        return true;
}
