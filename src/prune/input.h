/* What hap-prune reads: examples, and optionally a subgraph and scores. */
#ifndef HAP_PRUNE_INPUT_H
#define HAP_PRUNE_INPUT_H

#include "data/inputs.h"
#include "prune/options.h"

/* The option table, of the fields of struct hap_prune_options. */
extern const struct hap_option hap_prune_arguments[];
/* The program's answers to --help-recipe and to options that were replaced (see struct
 * hap_program_info). */
bool hap_prune_print(const void *options, FILE *out);
const char *hap_prune_replaced(const char *name, size_t length, char *text);

/* Reads the examples, and a circuit and scores if there are any, and gives the prompts, which
 * stay in memory. HAP_EUSAGE: what the recipe needs is missing; other errors are those of
 * hap_inputs_read. */
int hap_prune_read(struct hap_inputs *inputs, const struct hap_prompts **prompts,
                   struct hap_stream_in *in, const char *model_path,
                   const struct hap_prune_options *options, struct hap_error *err);

#endif
