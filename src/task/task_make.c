/* Prompts made for a tokenizer: candidates are drawn by the task's recipe and
 * taken when they are new and their tokens are as the task needs them. */
#include "task/task_make.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define MAKER_STREAM 0x6d616b65 /* this use of the seed */
#define MAX_FAILURES 50000      /* tries in a row without a new prompt */
#define MAX_TOKENS 256

static const struct hap_recipe *const recipes[] = { &hap_recipe_ioi, &hap_recipe_years,
                                                    &hap_recipe_pronoun };

size_t hap_maker_pick(const struct hap_maker *maker, uint64_t slot, size_t n)
{
        return (size_t)(hap_random_word(maker->key, maker->tried, slot) % n);
}

const char *hap_maker_word(const struct hap_maker *maker, uint64_t slot,
                           struct hap_words words)
{
        return words.items[hap_maker_pick(maker, slot, words.n)];
}

struct hap_words hap_words_all(const char *const *list)
{
        struct hap_words words = { list, 0 };

        while (list[words.n])
                words.n++;
        return words;
}

int hap_maker_words(struct hap_maker *maker, const char *what, const char *const *list,
                    size_t least, struct hap_words *words, struct hap_error *err)
{
        struct hap_words all = hap_words_all(list);
        const char **items = hap_arena_alloc(&maker->arena, all.n + 1, sizeof *items);
        size_t n = 0;

        if (!items)
                return hap_fail_memory(err, "words");
        for (size_t i = 0; i < all.n; i++) {
                char spaced[64];

                snprintf(spaced, sizeof spaced, " %s", list[i]);
                if (hap_tokenizer_single(maker->tokenizer, spaced) >= 0)
                        items[n++] = list[i];
        }
        if (n < least)
                return hap_fail(err, HAP_EINPUT,
                                "cannot make prompts for task '%s': %zu of %zu %s are one token "
                                "in this model, at least %zu must be", maker->task->name, n,
                                all.n, what, least);
        *words = (struct hap_words){ items, n };
        return 0;
}

bool hap_in_split(const struct hap_maker *maker, const char *a, const char *b, const char *c)
{
        char key[HAP_PROMPT_BYTES * 2];
        int length = snprintf(key, sizeof key, "%s|%s|%s", a, b, c);
        uint64_t tenth = XXH3_64bits(key, (size_t)length) % 10;
        enum hap_split split = tenth == 0 ? HAP_VALIDATION : tenth == 1 ? HAP_TEST : HAP_TRAIN;

        return split == maker->split;
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

/* --- what is taken --- */

static int encode(const struct hap_maker *maker, const char *text, int32_t ids[MAX_TOKENS])
{
        struct hap_error err;
        int n = hap_tokenizer_encode(maker->tokenizer, text, strlen(text), true, true, ids,
                                     MAX_TOKENS, &err);

        return n > MAX_TOKENS || n > maker->n_context ? -1 : n;
}

/* Every corruption as many tokens as the clean prompt, and the answer behind
 * the prompt one more token. */
static bool fits_tokenizer(const struct hap_maker *maker, const struct hap_candidate *candidate)
{
        int32_t ids[MAX_TOKENS], more[MAX_TOKENS];
        char longer[HAP_PROMPT_BYTES + 32];
        int n = encode(maker, candidate->clean, ids);

        if (n <= 0)
                return false;
        for (size_t i = 0; i < HAP_TASK_MAX_KINDS && maker->task->corruptions[i]; i++)
                if (encode(maker, candidate->corrupted[i], more) != n)
                        return false;
        snprintf(longer, sizeof longer, "%s%s", candidate->clean, candidate->answer);
        if (hap_tokenizer_encode(maker->tokenizer, longer, strlen(longer), true, true, more,
                                 MAX_TOKENS, &(struct hap_error){ 0 }) != n + 1)
                return false;
        return memcmp(ids, more, (size_t)n * sizeof *ids) == 0 &&
               more[n] == hap_tokenizer_single(maker->tokenizer, candidate->answer);
}

/* Puts the prompt among those made; false when it is there already. */
static bool is_new(struct hap_maker *maker, const char *clean)
{
        uint64_t hash = XXH3_64bits(clean, strlen(clean)) | 1;
        size_t at = (size_t)(hash >> 1) & (maker->n_seen - 1);

        for (; maker->seen[at]; at = (at + 1) & (maker->n_seen - 1))
                if (maker->seen[at] == hash)
                        return false;
        maker->seen[at] = hash;
        return true;
}

static json_t *record_of(struct hap_maker *maker, struct hap_candidate *candidate)
{
        char id[128];

        snprintf(id, sizeof id, "%s-%s-%zu", maker->task->name, hap_split_names[maker->split],
                 maker->made);
        return json_pack("{s:s, s:s, s:s, s:O, s:O}", "id", id, "clean", candidate->clean,
                         "corrupted", candidate->corrupted[maker->corruption], "answers",
                         candidate->answers, "wrongs", candidate->wrongs);
}

int hap_maker_next(struct hap_maker *maker, json_t **record, struct hap_error *err)
{
        uint64_t last = maker->tried + MAX_FAILURES;

        if (maker->made == maker->n)
                return 0;
        for (; maker->tried < last; maker->tried++) {
                struct hap_candidate candidate = { 0 };
                bool taken = maker->recipe->draw(maker, &candidate) &&
                             fits_tokenizer(maker, &candidate) &&
                             is_new(maker, candidate.clean);

                if (taken) {
                        maker->made++;
                        *record = record_of(maker, &candidate);
                }
                json_decref(candidate.answers);
                json_decref(candidate.wrongs);
                if (taken) {
                        maker->tried++;
                        return *record ? 1 : hap_fail_memory(err, "a record");
                }
        }
        return hap_fail(err, HAP_EUSAGE,
                        "cannot make %zu prompts of the %s split of task '%s': no more than %zu "
                        "fit this model's tokenizer", maker->n, hap_split_names[maker->split],
                        maker->task->name, maker->made);
}

int hap_maker_open(struct hap_maker **out, const struct hap_task_kind *task,
                   const struct hap_task_request *request, size_t corruption,
                   const struct hap_task_model *model, struct hap_error *err)
{
        struct hap_maker *maker = calloc(1, sizeof *maker);
        int rc = 0;

        *out = NULL;
        if (!maker)
                return hap_fail_memory(err, "prompts");
        hap_arena_init(&maker->arena);
        maker->task = task;
        maker->tokenizer = model->tokenizer;
        maker->n_context = model->model->config.n_context;
        maker->split = request->split;
        maker->key = (struct hap_random_key){ request->seed, MAKER_STREAM };
        maker->corruption = corruption;
        maker->n = request->n;
        for (maker->n_seen = 1; maker->n_seen < 2 * maker->n + 2; maker->n_seen *= 2)
                ;
        maker->seen = hap_arena_alloc(&maker->arena, maker->n_seen, sizeof *maker->seen);
        for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
                if (strcmp(recipes[i]->task, task->name) == 0)
                        maker->recipe = recipes[i];
        if (!maker->seen)
                rc = hap_fail_memory(err, "prompts");
        else
                rc = maker->recipe->prepare(maker, err);
        if (rc < 0)
                hap_maker_close(maker);
        else
                *out = maker;
        return rc;
}

void hap_maker_close(struct hap_maker *maker)
{
        if (!maker)
                return;
        hap_arena_release(&maker->arena);
        free(maker);
}
