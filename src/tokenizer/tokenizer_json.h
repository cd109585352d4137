/* The tokenizer of a Hugging Face folder. */
#ifndef HAP_TOKENIZER_TOKENIZER_JSON_H
#define HAP_TOKENIZER_TOKENIZER_JSON_H

#include "common/error.h"

struct hap_tokenizer;

/* Fills an empty tokenizer. */
int hap_tokenizer_read_folder(struct hap_tokenizer *t, const char *path,
                              struct hap_error *err);

#endif
