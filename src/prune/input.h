/* What hap-prune reads: examples, and optionally a subgraph and scores. */
#ifndef HAP_PRUNE_INPUT_H
#define HAP_PRUNE_INPUT_H

#include "data/inputs.h"
#include "prune/options.h"

/* Reads the examples, and a circuit and scores if there are any, and gives the prompts, which
 * stay in memory. The option cache_dtype becomes what is done, not auto. HAP_EUSAGE: what the
 * recipe needs is missing; other errors are those of hap_inputs_read. */
int hap_prune_read(struct hap_inputs *inputs, const struct hap_prompts **prompts,
                   struct hap_stream_in *in, const char *model_path,
                   struct hap_prune_options *options, struct hap_error *err);

#endif
