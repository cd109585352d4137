/* Prompts generated for a tokenizer. */
#ifndef HAP_TASK_TASK_MAKE_H
#define HAP_TASK_TASK_MAKE_H

#include <jansson.h>

#include "common/error.h"
#include "task/task_kind.h"
#include "tokenizer/tokenizer.h"

#define HAP_TASK_MAX_EXAMPLES 40000

struct hap_maker;

struct hap_maker_options {
        const struct hap_task_kind *task; /* one that can be generated */
        size_t corruption;                /* index into task->corruptions */
        enum hap_split split;
        uint64_t seed;
        size_t n;
        const struct hap_tokenizer *tokenizer;
        int n_context; /* longer prompts are rejected */
};

/* The prompts depend on task, split, seed and tokenizer alone; n and the corruption do
 * not change them. No prompt is in two splits, whatever the seeds. HAP_EINPUT: the
 * tokenizer has too few of the words as single tokens. */
int hap_maker_open(struct hap_maker **maker, const struct hap_maker_options *options,
                   struct hap_error *err);
/* The next record: 1 and a new reference, 0 at the end, or a code. */
int hap_maker_next(struct hap_maker *maker, json_t **record, struct hap_error *err);
void hap_maker_close(struct hap_maker *maker);

#endif
