/* A file of prompts: JSON lines, a JSON array, auto-circuit's JSON (an object with "prompts"), or
 * a table with a header line (CSV, tab-separated). It gives one JSON object for each prompt. */
#ifndef HAP_TASK_PROMPT_FILE_H
#define HAP_TASK_PROMPT_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"

struct hap_prompt_file;

/* Reads the file, or standard input for "-". The kind is recognised from the content: it begins
 * with [, or with {, or its first line is a header with a column "clean" or "prompt".
 * HAP_EINPUT: it has no prompts, or is none of these. */
int hap_prompt_file_open(struct hap_prompt_file **file, const char *path, struct hap_error *err);
void hap_prompt_file_close(struct hap_prompt_file *file); /* NULL is allowed */

size_t hap_prompt_file_count(const struct hap_prompt_file *file);
const char *hap_prompt_file_name(const struct hap_prompt_file *file); /* for messages */
/* "line", or "prompt" in an array; prompt i's number, counted from 1. */
const char *hap_prompt_file_unit(const struct hap_prompt_file *file);
size_t hap_prompt_file_number(const struct hap_prompt_file *file, size_t i);

/* Prompt i as a new reference. HAP_EINPUT: it is not a JSON object. */
int hap_prompt_file_get(struct hap_prompt_file *file, size_t i, json_t **object,
                        struct hap_error *err);
/* What stands next to the prompts in auto-circuit's files ("word_idxs"), or NULL; borrowed. */
json_t *hap_prompt_file_around(const struct hap_prompt_file *file, const char *key);

#endif
