/* Writing a circuit with what its edges were ranked by. */
#ifndef HAP_PRUNE_OUTPUT_H
#define HAP_PRUNE_OUTPUT_H

#include "common/program.h"
#include "data/inputs.h"
#include "prune/pruning.h"

/* Writes the section of a circuit of this pruning. Exits on an error, as hap_must does. */
void hap_prune_write(struct hap_program *p, const struct hap_inputs *inputs,
                     const struct hap_pruning *pruning, const struct hap_pruned *pruned,
                     struct hap_stream_out *out);

/* Says what came out, on standard error. */
void hap_prune_say(struct hap_program *p, const struct hap_pruning *pruning);

#endif
