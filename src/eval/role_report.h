/* hap-eval --roles: a report of what the heads do. Errors end the program. */
#ifndef HAP_EVAL_ROLE_REPORT_H
#define HAP_EVAL_ROLE_REPORT_H

#include "common/program.h"
#include "eval/evaluating.h"

/* Reads examples and circuits and writes the report; returns the number of examples. Records:
 *
 *      {"metric": "role", "role", "head", "found", "attention", "attention_threshold", "effect",
 *      "effect_threshold", "examples"} for every role and head, with those scores that the role
 *      has and that are defined;
 *      {"metric": "attention", "head", "from", "to", "value", "examples"} for every head with a role,
 *      between named positions;
 *      {"metric": "direct-effect", "node", "value"} for every writer, and for the node "rest", what no
 *      writer writes; they sum to {"metric": "logit-diff", "circuit": "full", "value"};
 *      {"metric": "edge-effect", "edge", "value"} and, for every reader that it passes, {"metric":
 *      "loading", "edge", "via", "value"} (eval/loadings.h);
 *      for every circuit and role the heads that it keeps, as hap_classes_write writes them, and the
 *      same for the class "no role". */
size_t hap_role_report(struct hap_program *p, const struct hap_eval_options *opt);

#endif
