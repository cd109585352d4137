/* The added tokens of a folder, from tokenizer.json, tokenizer_config.json and older
 * files. `config` is tokenizer_config.json. */
#ifndef HAP_TOKENIZER_TOKENIZER_SPECIAL_H
#define HAP_TOKENIZER_TOKENIZER_SPECIAL_H

#include <jansson.h>
#include <stdint.h>

#include "common/error.h"

struct hap_tokenizer;

/* Adds a token as a file of the folder describes it. The id of a new text must be
 * the one that the tokenizers library would give it, the next free one. */
int hap_added_read(struct hap_tokenizer *t, const json_t *token, int64_t id,
                   struct hap_error *err);
/* Adds the tokens of the config to those that tokenizer.json has. */
int hap_config_tokens(struct hap_tokenizer *t, json_t *config, struct hap_error *err);
/* Makes tokens special that the config names (bos_token, additional_special_tokens, …).
 * HAP_EINPUT: the tokenizer has no such token. */
int hap_config_special(struct hap_tokenizer *t, const json_t *config,
                       struct hap_error *err);
/* Copies special_tokens_map.json into the config, whose own entries it replaces. */
int hap_config_map(json_t *config, json_t *map, struct hap_error *err);
/* Stores added_tokens.json (text to id) as added_tokens_decoder of the config. */
int hap_config_legacy_tokens(json_t *config, json_t *tokens, struct hap_error *err);

#endif
