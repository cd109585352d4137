/* Split patterns, from Oniguruma to PCRE2. */
#ifndef HAP_TOKENIZER_TOKENIZER_PATTERN_H
#define HAP_TOKENIZER_TOKENIZER_PATTERN_H

#include <stddef.h>

#include "common/error.h"
#include "tokenizer/tokenizer_buffer.h"

/* Oniguruma's (Ruby's) pattern as PCRE2 reads it; what the two would read
 * differently is refused by name. */
int hap_pattern_translate(const char *pattern, size_t length,
                          struct hap_buffer *out, struct hap_error *err);

#endif
