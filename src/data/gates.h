/* The weights of experts in the full model's runs, which masked runs keep. */
#ifndef HAP_DATA_GATES_H
#define HAP_DATA_GATES_H

#include "data/prompts.h"

/* In a graph with experts: runs the clean prompts and fills the gates of every prompt (see
 * hap_prompt.gates), which belong to the prompts' arena. Otherwise does nothing. */
int hap_gates_fill(struct hap_prompts *prompts, const struct hap_engine *engine,
                   struct hap_error *err);

#endif
