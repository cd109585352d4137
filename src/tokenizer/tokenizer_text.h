/* UTF-8 and normalisation. */
#ifndef HAP_TOKENIZER_TOKENIZER_TEXT_H
#define HAP_TOKENIZER_TOKENIZER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "tokenizer/tokenizer_buffer.h"

struct hap_tokenizer;

enum hap_normal_kind {
        HAP_NORMAL_NFC,
        HAP_NORMAL_NFD,
        HAP_NORMAL_NFKC,
        HAP_NORMAL_NFKD,
        HAP_NORMAL_REPLACE, /* every `from` by `to` */
        HAP_NORMAL_PREPEND, /* `to` before a text that is not empty */
};
struct hap_normal_step {
        enum hap_normal_kind kind;
        struct hap_buffer from, to;
};
/* Applies all steps; with `continued`, PREPEND does nothing. */
int hap_normalize(const struct hap_tokenizer *t, const char *text, size_t length,
                  bool continued, struct hap_buffer *out, struct hap_error *err);

/* Length of the valid character that starts here, 0 if there is none. */
size_t hap_utf8_length(const char *text, size_t length);
/* Copies the text; each maximal invalid part becomes U+FFFD (as Python's
 * decode(errors="replace") does and Unicode recommends). */
int hap_utf8_repair(const char *text, size_t length, struct hap_buffer *out);
bool hap_utf8_valid(const char *text, size_t length);

#endif
