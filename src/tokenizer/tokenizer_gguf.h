/* The tokenizer in the metadata of a GGUF file. */
#ifndef HAP_TOKENIZER_TOKENIZER_GGUF_H
#define HAP_TOKENIZER_TOKENIZER_GGUF_H

#include "common/error.h"

struct hap_tokenizer;

/* Fills an empty tokenizer. */
int hap_tokenizer_read_gguf(struct hap_tokenizer *t, const char *path,
                            struct hap_error *err);

#endif
