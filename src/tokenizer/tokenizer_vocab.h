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
        struct hap_token_text *shown;  /* [n], the bytes they stand for */
        bool *known;                   /* [n], false: a hole in the ids */
        size_t n, capacity;
        struct hap_buffer bytes; /* of both, each with a NUL behind */
        int32_t *slots;          /* open addressing over `stored` */
        size_t n_slots;
};
/* Ids 0 … n-1 at first; adding a greater one makes room for it. */
int hap_vocab_init(struct hap_vocab *v, size_t n, struct hap_error *err);
/* Later texts win when two ids have the same; an id has one text only. */
int hap_vocab_add(struct hap_vocab *v, int64_t id, const char *text,
                  size_t length, struct hap_error *err);
/* The id is never found by its text (control tokens of sentencepiece). */
int hap_vocab_add_hidden(struct hap_vocab *v, int64_t id, const char *text,
                         size_t length, struct hap_error *err);
int32_t hap_vocab_find(const struct hap_vocab *v, const char *text, size_t length);
/* Sets what the id stands for; by default its stored text. */
int hap_vocab_show(struct hap_vocab *v, int32_t id, const char *text,
                   size_t length, struct hap_error *err);
void hap_vocab_release(struct hap_vocab *v);

#endif
