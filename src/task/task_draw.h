/* What the generators of prompts share: words that fit a tokenizer, numbers drawn
 * from the seed, sentences with blanks. */
#ifndef HAP_TASK_TASK_DRAW_H
#define HAP_TASK_TASK_DRAW_H

#include <jansson.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/random.h"
#include "task/task_kind.h"
#include "tokenizer/tokenizer.h"

#define HAP_PROMPT_BYTES 320

struct hap_words {
        const char *const *items;
        size_t n;
};

/* One drawn prompt: the clean text, and the text of every corruption of the task. */
struct hap_draft {
        char clean[HAP_PROMPT_BYTES];
        char corrupted[HAP_TASK_MAX_CORRUPTIONS][HAP_PROMPT_BYTES];
        /* The continuation of the clean prompt. It must not change how the prompt is
         * divided into tokens. */
        char answer[32];
        json_t *answers, *wrongs; /* lists of text, owned */
};

/* The source of a generator's random choices and words. */
struct hap_draw {
        const struct hap_task_kind *task;
        const struct hap_tokenizer *tokenizer;
        enum hap_split split;
        struct hap_random_key key;
        uint64_t tried; /* drafts before this one */
        size_t made;    /* drafts accepted */
        struct hap_words men, women, people, places, objects; /* one token each */
        int year_digits; /* 2: two digits are one token; 1: each digit is one */
        struct hap_arena arena;
};

/* A number below n: choice `slot` of this draft. */
size_t hap_draw_number(const struct hap_draw *draw, uint64_t slot, size_t n);
const char *hap_draw_word(const struct hap_draw *draw, uint64_t slot, struct hap_words words);
/* The words of the list that are one token with a space before them. HAP_EINPUT: fewer
 * than `min`; `what` names them in the message. */
int hap_draw_words(struct hap_draw *draw, const char *what, const char *const *list,
                   size_t min, struct hap_words *words, struct hap_error *err);
struct hap_words hap_words_all(const char *const *list);

/* Whether a key belongs to the split. It does not depend on the seed: one key in ten is
 * for validation, one for testing. */
bool hap_draw_in_split(const struct hap_draw *draw, const char *a, const char *b,
                       const char *c);

/* Replaces "{X}" by the text given for X. The arguments are pairs of a letter and a text,
 * and a final 0. False: `out` is too short. */
bool hap_fill(char out[HAP_PROMPT_BYTES], const char *sentence, ...);

#endif
