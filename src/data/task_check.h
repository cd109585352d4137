/* Prompts as text for people to check: every token with its index, and what the model predicts. */
#ifndef HAP_DATA_TASK_CHECK_H
#define HAP_DATA_TASK_CHECK_H

#include <jansson.h>
#include <stdio.h>

#include "forward/engine.h"
#include "task/task_tokens.h"

/* Prints a record that is ready (hap_task_ready): its tokens, which of them differ, named and
 * answer positions, answers. With an engine also the five most likely next tokens after clean and
 * corrupted. `where` names its place in the file. Without a tokenizer tokens are numbers. */
int hap_task_check(FILE *out, const json_t *record, const char *where,
                   const struct hap_task_model *model, const struct hap_engine *engine,
                   struct hap_error *err);

#endif
