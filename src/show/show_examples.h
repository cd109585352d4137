/* The values and predictions of single examples in a report (hap-eval --per-example, --predict). */
#ifndef HAP_SHOW_SHOW_EXAMPLES_H
#define HAP_SHOW_SHOW_EXAMPLES_H

#include <jansson.h>
#include <stdio.h>

#include "common/error.h"
#include "tokenizer/tokenizer.h"

/* Writes a table of the first `top` examples (0: 10): a line for each circuit, with its metrics and
 * its likeliest tokens. These are texts with a tokenizer, else (NULL) ids. Writes nothing if the
 * report has no such records. */
int hap_write_examples(const json_t *records, size_t top, const struct hap_tokenizer *tokenizer,
                       FILE *out, struct hap_error *err);

#endif
