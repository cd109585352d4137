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
/* Appends a token, with its text as in the file. The vocabulary must have its id; a text that is
 * not one of the model's own must be hidden there, so that merging does not find it. */
int hap_added_add(struct hap_tokenizer *t, const char *text, size_t length,
                  const struct hap_added *what, struct hap_error *err);
/* The added token with this text (as in the file), or NULL; until hap_added_finish. */
struct hap_added *hap_added_find(const struct hap_tokenizer *t, const char *text,
                                 size_t length);
/* The id of the added token, or of the model's own token, with this text; -1: none. */
int32_t hap_token_named(const struct hap_tokenizer *t, const char *text, size_t length);
/* Call this when all tokens are added and the normalizer is known. */
int hap_added_finish(struct hap_tokenizer *t, struct hap_error *err);
/* Cuts `part` of the text into added tokens and text, and appends them to `out`. */
int hap_added_cut(const struct hap_tokenizer *t, bool normalized, bool special,
                  const char *text, struct hap_piece part,
                  struct hap_pieces *out);
void hap_added_release(struct hap_tokenizer *t);

#endif
