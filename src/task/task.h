/* Where hap-task's prompts come from: the files that ship with a model, the user's JSON
 * lines, or prompts generated for the model's own tokenizer.
 *
 * A source gives records as JSON: {"id", "clean", "corrupted", "answers", "wrongs"}, and
 * "at" and "positions" of the user's line. */
#ifndef HAP_TASK_TASK_H
#define HAP_TASK_TASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/random.h"
#include "task/task_kind.h"
#include "task/task_lines.h"
#include "task/task_make.h"
#include "task/task_tokens.h"
#include "tokenizer/tokenizer.h"

struct hap_task_request {
        const char *name;       /* may be NULL with `from` */
        const char *from;       /* the user's file, "-": standard input; or NULL */
        const char *corruption; /* NULL: the default */
        const char *model_path; /* or NULL */
        enum hap_split split;
        uint64_t seed;
        uint64_t bootstrap; /* number of a sample with replacement; 0: none */
        size_t n;  /* 0: the default */
        bool make; /* generate prompts even if the model's folder has some */
        const char *bos; /* for the header: "on" or "off" if it was asked for; or NULL */
};

struct hap_task_source {
        const char *name;       /* of the task */
        const char *corruption; /* as in the header */
        const char *origin;     /* "demo", "model", "made" or the file's name */
        bool has_split;
        size_t n; /* examples to come */
        struct hap_lines *lines;
        struct hap_maker *maker;
        json_t *sampled; /* of a bootstrap sample: [[record, where] ...] */
        size_t given;    /* of these, so far */
        struct hap_random_key key;
        struct hap_arena arena;
};

/* HAP_EUSAGE: no such task or corruption, or fewer prompts than asked for. */
int hap_task_open(struct hap_task_source *source,
                  const struct hap_task_request *request,
                  const struct hap_task_model *model, struct hap_error *err);
/* The next record: 1 and a new reference, 0 at the end, or a code. `where`, of the given
 * size, gets the record's place for messages. */
int hap_task_next(struct hap_task_source *source, json_t **record, char *where,
                  size_t size, struct hap_error *err);
/* The fields of a task's header: {"task", "tokenizer"}, the latter when the records contain
 * token ids of this tokenizer. New reference, NULL when memory is short. */
json_t *hap_task_describe(const struct hap_task_source *source,
                          const struct hap_task_request *request,
                          const struct hap_tokenizer *tokenizer);
/* Sets the digest of the records in these fields. */
void hap_task_set_digest(json_t *fields, uint64_t digest);
void hap_task_close(struct hap_task_source *source);

/* The number of prompts of a task's split and its corruptions, separated by ", ": 1, 0 when
 * there is no such split, or a code. */
int hap_task_list(const char *name, enum hap_split split, const char *model_path, size_t *n,
                  char *text, size_t size, struct hap_error *err);

#endif
