/* From text to tokens: the records that hap-task writes. */
#ifndef HAP_TASK_TASK_TOKENS_H
#define HAP_TASK_TASK_TOKENS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

/* What prompts need of a model. */
struct hap_task_model {
        const struct hap_model *model; /* only its config is used; NULL: no model */
        const struct hap_tokenizer *tokenizer; /* NULL: token ids only */
        const char *no_tokenizer;              /* the reason why there is no tokenizer */
};

/* Makes a record ready to be written. With a model, *record is replaced: token ids in
 * place of texts, the texts under "text" and the task's named positions under "positions".
 * Without, the record stays and is checked as far as possible (hap_example_check). */
int hap_task_ready(json_t **record, const char *task, const struct hap_task_model *model,
                   const char *where, struct hap_error *err);

#endif
