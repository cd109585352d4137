/* The bytes or characters that the stored texts of tokens represent. */
#ifndef HAP_TOKENIZER_TOKENIZER_ALPHABET_H
#define HAP_TOKENIZER_TOKENIZER_ALPHABET_H

#include <stddef.h>

#include "common/error.h"

struct hap_tokenizer;

/* Writes `text` in GPT-2's alphabet, in which byte-level vocabularies are written: each byte is
 * one printable character. Returns the length written, at most 2 bytes for each byte of `text`. */
size_t hap_to_alphabet(const char *text, size_t length, char *out);
/* Sets the bytes that every token of a byte-level vocabulary represents, and byte_id. */
int hap_byte_level_finish(struct hap_tokenizer *t, struct hap_error *err);
/* The same for sentencepiece: "▁" is a space, "<0x0A>" a byte. */
int hap_sentencepiece_finish(struct hap_tokenizer *t, struct hap_error *err);

#endif
