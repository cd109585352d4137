/* The memory that a program's inputs will need (data/inputs.c). */
#ifndef HAP_DATA_INPUTS_MEMORY_H
#define HAP_DATA_INPUTS_MEMORY_H

#include "data/inputs.h"

/* Sets the prompts of inputs->memory, before the weights are loaded, to those that were read, or to
 * what a cache's header says of them. False: unknown. */
bool hap_inputs_count_prompts(struct hap_inputs *inputs);
/* Decides whether the outputs of a task's corrupted runs are kept. HAP_EUSAGE: they are to be
 * made again, and the examples are a cache, which contains them. */
int hap_inputs_settle_outputs(struct hap_inputs *inputs, struct hap_error *err);
/* Once all is known: the prompts, those of a cache if they stay in memory, and the masks.
 * HAP_EUSAGE: more is needed than is allowed. */
int hap_inputs_check_memory(const struct hap_inputs *inputs, struct hap_error *err);

#endif
