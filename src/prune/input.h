/* What hap-prune reads: examples, and optionally a subgraph and scores. */
#ifndef HAP_PRUNE_INPUT_H
#define HAP_PRUNE_INPUT_H

#include "data/session.h"
#include "graph/edges.h"
#include "prune/options.h"

/* The option table, of the fields of struct hap_prune_options. */
extern const struct hap_option hap_prune_arguments[];
/* The program's answers to --help-recipe and to options that were replaced (see struct
 * hap_program_info). */
bool hap_prune_print(const void *options, FILE *out);
const char *hap_prune_replaced(const char *name, size_t length, char *text);

struct hap_prune_input {
        struct hap_session session;
        const struct hap_prompts *prompts;
        struct hap_edges subgraph, scores; /* header NULL: not given */
};

/* Reads all sections and makes the prompts ready. HAP_EINPUT: no examples, two
 * circuits or scores, another model's or graph's; HAP_EUSAGE: what the recipe
 * needs is missing. The reader must outlive the input. */
int hap_prune_read(struct hap_prune_input *input, struct hap_stream_in *in,
                   const char *model_path, const struct hap_prune_options *options,
                   struct hap_error *err);
void hap_prune_input_release(struct hap_prune_input *input);

#endif
