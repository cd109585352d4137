/* A tokenizer as the headers of tasks describe it. */
#ifndef HAP_TOKENIZER_DESCRIPTION_H
#define HAP_TOKENIZER_DESCRIPTION_H

#include <jansson.h>

#include "tokenizer/tokenizer.h"

/* {"tokens": their number, "fingerprint": 16 hex digits, the xxh3-64 of all tokens}.
 * Returns a new reference, or NULL when memory is short. */
json_t *hap_tokenizer_describe(const struct hap_tokenizer *tokenizer);

#endif
