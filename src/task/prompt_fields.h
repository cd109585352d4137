/* The fields of a prompt in hap's names, whichever project wrote it. */
#ifndef HAP_TASK_PROMPT_FIELDS_H
#define HAP_TASK_PROMPT_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "task/task_kind.h"

/* Rewrites the object in hap's names, in place. Nothing that is there under hap's own name is
 * changed.
 *   auto-circuit   corrupt, wrong_answers
 *   EAP-IG, MIB's CSV   correct_idx, incorrect_idx; "label" of greater-than, the last two digits
 *                  of the year: every later year is right, every other one wrong
 *   MIB's JSON     prompt; NAME_counterfactual, an object with a prompt, becomes the corrupted
 *                  prompt NAME; the answers are metadata's indirect_object and subject (IOI),
 *                  choices of answerKey (MCQA, ARC), label (arithmetic), the wrong one that of
 *                  `corruption` (which may be NULL)
 */
int hap_prompt_fields(json_t *object, const struct hap_task_kind *task, const char *corruption,
                      struct hap_error *err);

/* Whether a field of a prompt has a meaning of its own, and is not a corrupted prompt. */
bool hap_prompt_field_is(const char *name);

/* The field that an unknown one was probably meant to be, which the object lacks; or NULL.
 * *unknown gets the unknown field's name, borrowed from the object. `corruption` names a field that
 * is used, or is NULL. */
const char *hap_prompt_field_meant(json_t *object, const char *corruption, const char **unknown);

#endif
