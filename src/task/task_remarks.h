/* Remarks on prompts that can be used but are probably not what was meant. */
#ifndef HAP_TASK_TASK_REMARKS_H
#define HAP_TASK_TASK_REMARKS_H

#include <jansson.h>
#include <stddef.h>

#include "task/task_tokens.h"

enum hap_task_remark {
        HAP_REMARK_SAME,  /* the prompts are the same, so that patching changes nothing */
        HAP_REMARK_LATER, /* or differ only after the last answer position, in a causal model */
        HAP_REMARK_SPACE, /* a prompt as text ends in a space */
        HAP_REMARK_GLUED, /* an answer lacks the space that the model would write before it */
        HAP_REMARK_GLUED_WHOLE, /* the same for an answer of several tokens, but the space is a guess */
        HAP_REMARK_JOINS, /* prompt and answer together have other tokens than apart */
        HAP_REMARK_TWICE, /* BOS comes twice */
        HAP_REMARK_WHOLE, /* an answer has several tokens */
        HAP_REMARKS
};
/* "in 3 of 200 prompts" goes before each. */
extern const char *const hap_task_remarks[HAP_REMARKS];

/* Add the remarks on a record to the counts: on its texts, before hap_task_ready, and on its
 * token ids, after it. */
void hap_task_remark_text(const json_t *record, const struct hap_task_model *model,
                          size_t n[HAP_REMARKS]);
void hap_task_remark_ids(const json_t *record, const struct hap_task_model *model,
                         size_t n[HAP_REMARKS]);

#endif
