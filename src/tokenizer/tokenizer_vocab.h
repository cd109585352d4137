/* Texts of tokens to ids and back. */
#ifndef HAP_TOKENIZER_TOKENIZER_VOCAB_H
#define HAP_TOKENIZER_TOKENIZER_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "tokenizer/tokenizer_buffer.h"

enum {
        HAP_TOKENS_MAX = 1 << 24,   /* ids of a vocabulary */
        HAP_TOKEN_BYTES_MAX = 8192, /* text of one token */
};

struct hap_token_text {
        uint32_t offset, length;
};
struct hap_vocab {
        struct hap_token_text *stored; /* [n], as the file writes them */
        struct hap_token_text *shown;  /* [n], the bytes they represent */
        bool *known;                   /* [n], false: no token has this id */
        size_t n, capacity;
        struct hap_buffer bytes; /* of both, each followed by a NUL */
        int32_t *slots;          /* open addressing over `stored` */
        size_t n_slots;
};
/* For ids 0 … n-1; adding a larger id grows the vocabulary. */
int hap_vocab_init(struct hap_vocab *v, size_t n, struct hap_error *err);
/* If two ids have the same text, the later one is found; an id has only one text. */
int hap_vocab_add(struct hap_vocab *v, int64_t id, const char *text,
                  size_t length, struct hap_error *err);
/* Adds an id that is never found by its text (control tokens of sentencepiece). */
int hap_vocab_add_hidden(struct hap_vocab *v, int64_t id, const char *text,
                         size_t length, struct hap_error *err);
int32_t hap_vocab_find(const struct hap_vocab *v, const char *text, size_t length);
/* Sets the bytes that the id represents; by default its stored text. */
int hap_vocab_show(struct hap_vocab *v, int32_t id, const char *text,
                   size_t length, struct hap_error *err);
void hap_vocab_release(struct hap_vocab *v);

#endif
