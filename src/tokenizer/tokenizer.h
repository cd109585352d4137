/* Text to token ids and back: byte-level BPE and sentencepiece-style BPE. */
#ifndef HAP_TOKENIZER_TOKENIZER_H
#define HAP_TOKENIZER_TOKENIZER_H

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

/* Encodes text. Bytes that are no UTF-8 become U+FFFD, one for each maximal
 * broken part, as in Python's decode(errors="replace"); the ids are then those
 * of the tokenizers library; as there, a byte or character that the vocabulary
 * cannot say becomes its unknown token, or nothing when it has none. Writes at
 * most `max` ids and returns how many the text has, or a negative code.
 * `special`: texts of special tokens become their ids; BOS is put first when
 * the model's own setting says so and `bos` is true. */
int hap_tokenizer_encode(const struct hap_tokenizer *tokenizer, const char *text,
                         size_t length, bool special, bool bos, int32_t *ids,
                         size_t max, struct hap_error *err);

/* The token's bytes as text (NUL-terminated, borrowed), with its length;
 * NULL for an id that does not exist. */
const char *hap_tokenizer_text(const struct hap_tokenizer *tokenizer, int32_t id,
                               size_t *length);

/* The same for a text that goes on from a prompt, " Mary": no BOS, no space put
 * before it, and texts of special tokens are text. */
int hap_tokenizer_continue(const struct hap_tokenizer *tokenizer, const char *text,
                           size_t length, int32_t *ids, size_t max, struct hap_error *err);

/* The id when the whole of a text that goes on from a prompt is one token, else -1. */
int32_t hap_tokenizer_single(const struct hap_tokenizer *tokenizer,
                             const char *text);

/* How many ids there are: the greatest + 1. */
size_t hap_tokenizer_size(const struct hap_tokenizer *tokenizer);

/* The id that `bos` puts first, -1 when the model's setting says none. */
int32_t hap_tokenizer_bos(const struct hap_tokenizer *tokenizer);

#endif
