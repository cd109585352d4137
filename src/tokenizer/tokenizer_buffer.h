/* Growing texts, and lists of pieces of a text. */
#ifndef HAP_TOKENIZER_TOKENIZER_BUFFER_H
#define HAP_TOKENIZER_TOKENIZER_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* A growing text; `data` has a NUL after `length` bytes once it is not empty. */
struct hap_buffer {
        char *data;
        size_t length, capacity;
};
int hap_buffer_append(struct hap_buffer *b, const char *text, size_t length);

/* A part of a text: a token that is already known, or text still to encode. */
struct hap_piece {
        size_t start, length;
        int32_t id; /* -1: text */
};
struct hap_pieces {
        struct hap_piece *items;
        size_t n, capacity;
};
int hap_pieces_add(struct hap_pieces *p, size_t start, size_t length, int32_t id);

#endif
