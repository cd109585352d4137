/* What the makers of prompts share: words that fit a tokenizer, numbers drawn
 * from the seed, sentences filled in. */
#ifndef HAP_TASK_TASK_MAKE_H
#define HAP_TASK_TASK_MAKE_H

#include "common/random.h"
#include "task/task.h"

#define HAP_PROMPT_BYTES 320

struct hap_words {
        const char *const *items;
        size_t n;
};

/* A prompt that may do: its text clean and under every corruption of the task. */
struct hap_candidate {
        char clean[HAP_PROMPT_BYTES];
        char corrupted[HAP_TASK_MAX_KINDS][HAP_PROMPT_BYTES];
        /* What the clean prompt goes on with; the corruption must not change
         * how that is cut into tokens. */
        char answer[32];
        json_t *answers, *wrongs; /* lists of text, owned */
};

struct hap_maker {
        const struct hap_task_kind *task;
        const struct hap_recipe *recipe;
        const struct hap_tokenizer *tokenizer;
        int n_context;
        enum hap_split split;
        struct hap_random_key key;
        size_t corruption, n, made;
        uint64_t tried;
        struct hap_words men, women, people, places, objects; /* one token each */
        int year_digits; /* 2: the last two are one token, 1: each is one */
        uint64_t *seen;  /* hashes of the prompts made; 0: free */
        size_t n_seen;   /* places in it, a power of two */
        struct hap_arena arena;
};

/* How a task's prompts are made. */
struct hap_recipe {
        const char *task;
        /* Finds its words in the vocabulary, or says what is lacking. */
        int (*prepare)(struct hap_maker *maker, struct hap_error *err);
        /* A candidate from the maker's `tried`-th numbers; false: another try. */
        bool (*draw)(struct hap_maker *maker, struct hap_candidate *candidate);
};
extern const struct hap_recipe hap_recipe_ioi, hap_recipe_years, hap_recipe_pronoun;

/* A number below n: the `slot`-th of this try. */
size_t hap_maker_pick(const struct hap_maker *maker, uint64_t slot, size_t n);
const char *hap_maker_word(const struct hap_maker *maker, uint64_t slot,
                           struct hap_words words);
/* The words that are one token with a space before them; `least` of them are
 * needed. */
int hap_maker_words(struct hap_maker *maker, const char *what, const char *const *list,
                    size_t least, struct hap_words *words, struct hap_error *err);
struct hap_words hap_words_all(const char *const *list);

/* The split that a key belongs to, whatever the seed: one key in ten is for
 * validation, one for testing. */
bool hap_in_split(const struct hap_maker *maker, const char *a, const char *b, const char *c);

/* Fills "{X}" in with the text given for X: letters and texts by turns, ended
 * by 0. False when `out` is too short. */
bool hap_fill(char out[HAP_PROMPT_BYTES], const char *sentence, ...);

#endif
