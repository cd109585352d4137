/* Added tokens: texts that become one token wherever they occur. */
#ifndef HAP_TOKENIZER_TOKENIZER_ADDED_H
#define HAP_TOKENIZER_TOKENIZER_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "tokenizer/tokenizer_buffer.h"

struct hap_tokenizer;

struct hap_added {
        struct hap_buffer text; /* normalised where `normalized` is set */
        int32_t id;
        bool special, single_word, lstrip, rstrip, normalized;
        bool ready; /* `text` is written as the normalizer would */
};
struct hap_added_lengths { /* of the tokens that start with one byte */
        size_t *lengths;   /* longest first */
        size_t n;
};
struct hap_added_index {
        struct hap_added_lengths by_byte[256];
        int32_t *slots; /* open addressing, index in `added` */
        size_t n_slots;
};
/* Appends one; its text is as the file has it. The vocabulary must have its id,
 * hidden where the text is none of the model's own: merging never sees it. */
int hap_added_add(struct hap_tokenizer *t, const char *text, size_t length,
                  const struct hap_added *what, struct hap_error *err);
/* That of this text (as the file has it), or NULL; until hap_added_finish. */
struct hap_added *hap_added_find(const struct hap_tokenizer *t, const char *text,
                                 size_t length);
/* The id of an added token or of the model's own of this name; -1: none. */
int32_t hap_token_named(const struct hap_tokenizer *t, const char *text, size_t length);
/* Once all are there and the normalizer is known. */
int hap_added_finish(struct hap_tokenizer *t, struct hap_error *err);
/* Cuts text[start, start + length) into tokens and text, appended to `out`. */
int hap_added_cut(const struct hap_tokenizer *t, bool normalized, bool special,
                  const char *text, struct hap_piece part,
                  struct hap_pieces *out);
void hap_added_release(struct hap_tokenizer *t);

#endif
