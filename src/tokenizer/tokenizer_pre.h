/* The ways to split words that GGUF files name by tokenizer.ggml.pre. */
#ifndef HAP_TOKENIZER_TOKENIZER_PRE_H
#define HAP_TOKENIZER_TOKENIZER_PRE_H

#include <stdbool.h>
#include <stddef.h>

struct hap_pre {
        const char *name;
        const char *patterns[6]; /* each isolates its matches; NULL after the last */
        bool nfc, ignore_merges, add_bos;
};

/* The row of that name, or NULL. */
const struct hap_pre *hap_pre_find(const char *name, size_t length);

#endif
