/* hap-prune's command line. */
#ifndef HAP_PRUNE_ARGUMENTS_H
#define HAP_PRUNE_ARGUMENTS_H

#include "common/program.h"

/* The option table, whose fields are those of struct hap_prune_options. */
extern const struct hap_option hap_prune_arguments[];

/* The program's answers to --help-recipe and to options that were replaced (see struct
 * hap_program_info). */
bool hap_prune_print(const void *options, FILE *out);
const char *hap_prune_replaced(const char *name, size_t length, char *text);

#endif
