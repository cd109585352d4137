/* Text to token ids and back: byte-level BPE and sentencepiece-style BPE. */
#ifndef HAP_TOKENIZER_TOKENIZER_H
#define HAP_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct hap_tokenizer; /* read-only once loaded: threads may share it */

/* Loads from a model's path: tokenizer.json, or vocab.json + merges.txt, in a folder; or
 * the metadata of a GGUF file. HAP_EINPUT: there is no tokenizer, or its kind, which the
 * message names, is not supported. */
int hap_tokenizer_load(struct hap_tokenizer **tokenizer, const char *model_path,
                       struct hap_error *err);
void hap_tokenizer_free(struct hap_tokenizer *tokenizer); /* NULL is allowed */

/* Encodes text. Each maximal invalid part of the UTF-8 becomes U+FFFD, as in Python's
 * decode(errors="replace"). The ids are those of the tokenizers library; as there, a byte
 * or character that is not in the vocabulary becomes the unknown token, or nothing if there
 * is none. Writes at most `max` ids; returns how many the text has, or a negative code.
 * `special`: texts of special tokens become their ids. `bos`: BOS is put first if the
 * model's settings ask for it. */
int hap_tokenizer_encode(const struct hap_tokenizer *tokenizer, const char *text,
                         size_t length, bool special, bool bos, int32_t *ids,
                         size_t max, struct hap_error *err);

/* The token's bytes as text (NUL-terminated, borrowed), with its length;
 * NULL for an id that does not exist. */
const char *hap_tokenizer_text(const struct hap_tokenizer *tokenizer, int32_t id,
                               size_t *length);

/* Encodes a text that continues a prompt, such as " Mary": without BOS, without a space
 * before it; texts of special tokens are ordinary text. */
int hap_tokenizer_continue(const struct hap_tokenizer *tokenizer, const char *text,
                           size_t length, int32_t *ids, size_t max, struct hap_error *err);

/* The id if a text that continues a prompt is one token, else -1. */
int32_t hap_tokenizer_single(const struct hap_tokenizer *tokenizer,
                             const char *text);

/* The number of ids: the largest + 1. */
size_t hap_tokenizer_size(const struct hap_tokenizer *tokenizer);

/* What users should know about the ids: where transformers 4, which is followed, and 5 differ.
 * NULL: nothing. */
const char *hap_tokenizer_note(const struct hap_tokenizer *tokenizer);

/* Makes `bos` put BOS first, or not, whatever the model's settings ask for. HAP_EINPUT: the settings
 * name no BOS token. */
int hap_tokenizer_use_bos(struct hap_tokenizer *tokenizer, bool use, struct hap_error *err);

/* The id that `bos` puts first; -1 if the model's settings do not ask for BOS. */
int32_t hap_tokenizer_bos(const struct hap_tokenizer *tokenizer);

#endif
