/* Prompts from files: those that ship with a model, or the user's. */
#ifndef HAP_TASK_TASK_LINES_H
#define HAP_TASK_TASK_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "task/task_kind.h"

struct hap_lines;

struct hap_lines_options {
        const struct hap_task_kind *task; /* names the field "corrupted"; or NULL */
        const char *corruption; /* the field to read; NULL: "corrupted" */
        const char *id;         /* prefix of ids, before a dash and the line's number */
        uint64_t seed;          /* 0: the first lines; else lines drawn at random */
        size_t n;               /* lines to pick; 0: all */
        bool at_most; /* accept fewer than n lines */
        bool unique;  /* refuse an id that occurs twice among those picked */
        int bos;      /* tokens that are put before a text; -1: unknown, so that auto-circuit's
                       * positions in texts are left out */
};

/* Fields that are not used and look mistyped. */
struct hap_lines_unknown {
        size_t n;       /* prompts given so far that have one */
        char text[192]; /* on the first: "field 'anwser' is not known; did you mean 'answer'?" */
};

/* Reads the file, or standard input for "-". HAP_EUSAGE: there are fewer than n lines. */
int hap_lines_open(struct hap_lines **lines, const char *path,
                   const struct hap_lines_options *options, struct hap_error *err);
size_t hap_lines_count(const struct hap_lines *lines); /* those picked */
/* The next record: 1 and a new reference, 0 at the end, or a code. `where`, of the given
 * size, gets "line N of 'FILE'" for messages. */
int hap_lines_next(struct hap_lines *lines, json_t **record, char *where, size_t size,
                   struct hap_error *err);
/* About the prompt given last, also when it was refused: a text as above, or "". */
const char *hap_lines_hint(const struct hap_lines *lines);
const struct hap_lines_unknown *hap_lines_unknown(const struct hap_lines *lines);
/* The corruptions that the first line has, separated by ", ". */
int hap_lines_corruptions(struct hap_lines *lines, char *text, size_t size,
                          struct hap_error *err);
void hap_lines_close(struct hap_lines *lines);

#endif
