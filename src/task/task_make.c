/* The task's generator draws drafts. A draft is accepted if it is new and its tokens fit the
 * task. */
#include "task/task_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "task/task_generators.h"

#define MAKER_STREAM 0x6d616b65 /* this use of the seed */
#define MAX_FAILURES 50000      /* tries in a row without a new prompt */
#define MAX_TOKENS 256

struct hap_maker {
        const struct hap_generator *generator;
        struct hap_draw draw;
        int n_context;
        size_t corruption, n;
        uint64_t *seen; /* hash table of the prompts made; 0: free */
        size_t n_seen;  /* its size, a power of two */
};

static int encode_text(const struct hap_maker *maker, const char *text, int32_t ids[MAX_TOKENS])
{
        struct hap_error err;
        int n = hap_tokenizer_encode(maker->draw.tokenizer, text, strlen(text), true, true, ids,
                                     MAX_TOKENS, &err);

        return n > MAX_TOKENS || n > maker->n_context ? -1 : n;
}

/* Whether every corruption has as many tokens as the clean prompt, and the answer adds
 * one token to it. */
static bool fits_tokenizer(const struct hap_maker *maker, const struct hap_draft *draft)
{
        int32_t ids[MAX_TOKENS], more[MAX_TOKENS];
        char longer[HAP_PROMPT_BYTES + 32];
        int n = encode_text(maker, draft->clean, ids);

        if (n <= 0)
                return false;
        for (size_t i = 0; i < HAP_TASK_MAX_CORRUPTIONS && maker->draw.task->corruptions[i]; i++)
                if (encode_text(maker, draft->corrupted[i], more) != n)
                        return false;
        snprintf(longer, sizeof longer, "%s%s", draft->clean, draft->answer);
        if (hap_tokenizer_encode(maker->draw.tokenizer, longer, strlen(longer), true, true, more,
                                 MAX_TOKENS, &(struct hap_error){ 0 }) != n + 1)
                return false;
        return memcmp(ids, more, (size_t)n * sizeof *ids) == 0 &&
               more[n] == hap_tokenizer_single(maker->draw.tokenizer, draft->answer);
}

/* Adds the prompt to those made. False: it was made before. */
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

static json_t *task_record_of(struct hap_maker *maker, struct hap_draft *draft)
{
        char id[128];

        snprintf(id, sizeof id, "%s-%s-%zu", maker->draw.task->name,
                 hap_split_names[maker->draw.split], maker->draw.made);
        return json_pack("{s:s, s:s, s:s, s:O, s:O}", "id", id, "clean", draft->clean,
                         "corrupted", draft->corrupted[maker->corruption], "answers",
                         draft->answers, "wrongs", draft->wrongs);
}

int hap_maker_next(struct hap_maker *maker, json_t **record, struct hap_error *err)
{
        uint64_t last = maker->draw.tried + MAX_FAILURES;

        if (maker->draw.made == maker->n)
                return 0;
        for (; maker->draw.tried < last; maker->draw.tried++) {
                struct hap_draft draft = { 0 };
                bool taken = maker->generator->generate(&maker->draw, &draft) &&
                             fits_tokenizer(maker, &draft) &&
                             is_new(maker, draft.clean);

                if (taken) {
                        maker->draw.made++;
                        *record = task_record_of(maker, &draft);
                }
                json_decref(draft.answers);
                json_decref(draft.wrongs);
                if (taken) {
                        maker->draw.tried++;
                        return *record ? 1 : hap_fail_memory(err, "a record");
                }
        }
        return hap_fail(
                err, HAP_EUSAGE,
                "cannot generate %zu prompts of the %s split of task '%s': no more than %zu "
                "fit this model's tokenizer",
                maker->n, hap_split_names[maker->draw.split], maker->draw.task->name,
                maker->draw.made);
}

int hap_maker_open(struct hap_maker **out, const struct hap_maker_options *options,
                   struct hap_error *err)
{
        struct hap_maker *maker = calloc(1, sizeof *maker);
        int rc;

        *out = NULL;
        if (!maker)
                return hap_fail_memory(err, "prompts");
        maker->draw = (struct hap_draw){
                .task = options->task,
                .tokenizer = options->tokenizer,
                .split = options->split,
                .key = { options->seed, MAKER_STREAM },
        };
        hap_arena_init(&maker->draw.arena);
        maker->generator = hap_generator_find(options->task->name);
        maker->n_context = options->n_context;
        maker->corruption = options->corruption;
        maker->n = options->n;
        for (maker->n_seen = 1; maker->n_seen < 2 * maker->n + 2; maker->n_seen *= 2)
                ;
        maker->seen = hap_arena_alloc(&maker->draw.arena, maker->n_seen, sizeof *maker->seen);
        if (!maker->seen)
                rc = hap_fail_memory(err, "prompts");
        else
                rc = maker->generator->prepare(&maker->draw, err);
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
        hap_arena_release(&maker->draw.arena);
        free(maker);
}
