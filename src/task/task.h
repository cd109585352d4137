/* Where hap-task's prompts come from: the files that ship with a model, the
 * user's JSON lines, or prompts made for the model's own tokenizer.
 *
 * A source gives records as JSON, {"id", "clean", "corrupted", "answers",
 * "wrongs"} and what else the user's line had of "at" and "positions". */
#ifndef HAP_TASK_TASK_H
#define HAP_TASK_TASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/random.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

#define HAP_TASK_MAX_EXAMPLES 40000
#define HAP_TASK_MAX_KINDS 8

enum hap_split { HAP_TRAIN, HAP_VALIDATION, HAP_TEST };
extern const char *const hap_split_names[]; /* NULL-terminated */

/* A task that hap knows by name. */
struct hap_task_kind {
        const char *name;
        /* Corruptions; the first is the usual one, "corrupted" in files. */
        const char *corruptions[HAP_TASK_MAX_KINDS];
        bool made; /* prompts can be made for any tokenizer */
};
extern const struct hap_task_kind hap_tasks[]; /* ended by a NULL name */

/* The task of that name, dashes or underscores, or NULL. */
const struct hap_task_kind *hap_task_find(const char *name);
/* Equal but for '-' and '_'. */
bool hap_same_name(const char *a, const char *b);

struct hap_task_request {
        const char *name;       /* may be NULL with `from` */
        const char *from;       /* the user's file, "-": standard input; or NULL */
        const char *corruption; /* NULL: the usual one */
        const char *model_path; /* or NULL */
        enum hap_split split;
        uint64_t seed;
        uint64_t bootstrap; /* number of a sample with replacement; 0: none */
        size_t n;  /* 0: the usual number */
        bool make; /* make prompts though the model's folder has some */
};

/* A model as far as prompts need it. */
struct hap_task_model {
        const struct hap_model *model; /* its config only */
        const struct hap_tokenizer *tokenizer; /* NULL: token ids only */
        const char *no_tokenizer;              /* then the reason */
};

struct hap_lines; /* JSON lines in a file */
struct hap_maker; /* makes prompts */

struct hap_task_source {
        const char *name;       /* of the task */
        const char *corruption; /* as the header says it */
        const char *origin;     /* "demo", "model", "made" or the file's name */
        bool has_split;
        size_t n; /* examples to come */
        struct hap_lines *lines;
        struct hap_maker *maker;
        json_t *sampled; /* of a bootstrap sample: [[record, where] ...] */
        size_t given;    /* of these */
        struct hap_random_key key;
        struct hap_arena arena;
};

/* HAP_EUSAGE: no such task or corruption, or fewer prompts than asked for. */
int hap_task_open(struct hap_task_source *source,
                  const struct hap_task_request *request,
                  const struct hap_task_model *model, struct hap_error *err);
/* 1 and a new reference, 0 at the end, or a code. `where` (of the size given)
 * names the record's place for messages. */
int hap_task_next(struct hap_task_source *source, json_t **record, char *where,
                  size_t size, struct hap_error *err);
/* What a task's header says of it: {"task", "tokenizer"}, the latter when its
 * records hold token ids made here. New reference, NULL when memory is short. */
json_t *hap_task_describe(const struct hap_task_source *source,
                          const struct hap_task_request *request,
                          const struct hap_tokenizer *tokenizer);
void hap_task_close(struct hap_task_source *source);

/* What there is of a task's split: 1 with the number of prompts and the
 * corruptions, parted by ", "; 0: no such thing; or a code. */
int hap_task_list(const char *name, enum hap_split split, const char *model_path, size_t *n,
                  char *text, size_t size, struct hap_error *err);

/* The folder of task files: that of the model, or the demo model's for NULL.
 * -1 when there is none. */
int hap_task_folder(const char *model_path, char *folder, size_t size);
/* FOLDER/NAME-SPLIT.jsonl, whichever of dashes and underscores exists, or -1. */
int hap_task_file(const char *folder, const char *name, enum hap_split split,
                  char *path, size_t size);

/* --- JSON lines --- */

/* Picks `n` lines (0: all): the first ones for seed 0, else at random. `task`
 * (or NULL) says what the field "corrupted" is called, `corruption` which field
 * to take (NULL: "corrupted"). `id` goes before a dash and the line's number. */
struct hap_lines_options {
        const struct hap_task_kind *task;
        const char *corruption, *id;
        uint64_t seed;
        size_t n;
        bool at_most; /* fewer than n lines will do */
        bool unique;  /* no id may come twice among those picked */
};
int hap_lines_open(struct hap_lines **lines, const char *path,
                   const struct hap_lines_options *options, struct hap_error *err);
size_t hap_lines_count(const struct hap_lines *lines); /* picked */
int hap_lines_next(struct hap_lines *lines, json_t **record, char *where, size_t size,
                   struct hap_error *err);
/* The corruptions that the first line has, parted by ", ". */
int hap_lines_corruptions(struct hap_lines *lines, char *text, size_t size,
                          struct hap_error *err);
void hap_lines_close(struct hap_lines *lines);

/* --- prompts made for a tokenizer --- */

/* The same prompts for the same task, split, seed and tokenizer, whatever n
 * and corruption; no prompt belongs to two splits, whatever the seeds. */
int hap_maker_open(struct hap_maker **maker, const struct hap_task_kind *task,
                   const struct hap_task_request *request, size_t corruption,
                   const struct hap_task_model *model, struct hap_error *err);
int hap_maker_next(struct hap_maker *maker, json_t **record, struct hap_error *err);
void hap_maker_close(struct hap_maker *maker);

/* --- text to tokens --- */

/* Makes of a record what is written. With a model: token ids in place of its texts, the
 * texts under "text" and the task's named positions under "positions"; *record is then
 * another. Without (model->model is NULL) it stays and is checked: ids as hap_example_of
 * does, texts as far as can be without a tokenizer. Position names are those that a graph
 * could have. */
int hap_task_ready(json_t **record, const char *task, const struct hap_task_model *model,
                   const char *where, struct hap_error *err);

/* Whether a record that is not ready yet is a prompt as text, answered at its end, that
 * ends in a space. */
bool hap_task_ends_in_space(const json_t *record);

/* What --ablation interchange meets in a record that is ready. HAP_TASK_LATER: a token is
 * another, but none up to the last of the answers' positions, and the model (NULL: not
 * known) is causal, so that nothing of it gets there. */
enum hap_task_difference { HAP_TASK_DIFFERS, HAP_TASK_SAME, HAP_TASK_LATER };
enum hap_task_difference hap_task_difference(const json_t *record, const struct hap_model *model);

#endif
