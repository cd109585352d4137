/* Byte pair encoding: the table of merges, and the encoding of one word. */
#ifndef HAP_TOKENIZER_TOKENIZER_BPE_H
#define HAP_TOKENIZER_TOKENIZER_BPE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "tokenizer/tokenizer_buffer.h"

struct hap_tokenizer;

struct hap_merge {
        uint64_t pair; /* left << 32 | right; all ones: free */
        uint32_t rank;
        int32_t id;
};
struct hap_merges {
        struct hap_merge *slots;
        size_t n_slots;
};
int hap_merges_init(struct hap_merges *m, size_t n, struct hap_error *err);
/* Adds a merge: looks up both texts and their concatenation. `which` counts from 0. */
int hap_merges_add_texts(struct hap_tokenizer *t, uint32_t which,
                         const char *left, size_t n_left, const char *right,
                         size_t n_right, struct hap_error *err);
/* The same from "left right". */
int hap_merges_add_line(struct hap_tokenizer *t, uint32_t which, const char *line,
                        size_t length, struct hap_error *err);

/* The state of one call of encode. */
struct hap_symbol {
        int32_t id; /* -1: a character that is encoded as its bytes */
        int32_t previous, next;
        uint32_t start, length;
};
struct hap_candidate {
        uint32_t rank, at;
        int32_t id;
        uint32_t length; /* of both symbols when it was found */
};
struct hap_encoder {
        const struct hap_tokenizer *t;
        int32_t *ids; /* the first `max` of `n` */
        size_t max, n;
        bool continued; /* the text continues another: nothing is put before it */
        struct hap_symbol *symbols;
        size_t n_symbols, symbols_capacity;
        struct hap_candidate *heap;
        size_t n_heap, heap_capacity;
        pcre2_match_data *match;
        struct hap_pieces words, spare;
        struct hap_error *err;
};
void hap_encoder_put(struct hap_encoder *e, int32_t id);
int hap_bpe_word(struct hap_encoder *e, const char *word, size_t length);

#endif
