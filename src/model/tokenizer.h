/* Text to token ids and back: byte-level BPE and sentencepiece-style BPE. */
#ifndef HAP_MODEL_TOKENIZER_H
#define HAP_MODEL_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct hap_tokenizer; /* read-only once loaded: threads may share it */

/* From a model's path: tokenizer.json, or vocab.json + merges.txt, of a
 * folder; the metadata of a GGUF file. HAP_EINPUT: none there, or of a kind
 * that is not supported (says which). */
int hap_tokenizer_load(struct hap_tokenizer **tokenizer, const char *model_path,
                       struct hap_error *err);
void hap_tokenizer_free(struct hap_tokenizer *tokenizer); /* NULL is allowed */

/* Encodes UTF-8 text (broken bytes are tokens of bytes, as in the tokenizers
 * library after replacement, see tokenizer.c). Writes at most `max` ids and
 * returns how many the text has, or a negative code. `special`: texts of
 * special tokens become their ids; BOS is put first when the model's own
 * setting says so and `bos` is true. */
int hap_tokenizer_encode(const struct hap_tokenizer *tokenizer, const char *text,
                         size_t length, bool special, bool bos, int32_t *ids,
                         size_t max, struct hap_error *err);

/* The token's bytes as text (NUL-terminated, borrowed), with its length;
 * NULL for an id that does not exist. */
const char *hap_tokenizer_text(const struct hap_tokenizer *tokenizer, int32_t id,
                               size_t *length);

/* The id when the whole text is one token (no BOS), else -1. */
int32_t hap_tokenizer_single(const struct hap_tokenizer *tokenizer,
                             const char *text);

size_t hap_tokenizer_size(const struct hap_tokenizer *tokenizer);

#endif
