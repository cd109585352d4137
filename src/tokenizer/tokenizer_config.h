/* The settings of tokenizer_config.json. `config` is an object, empty if there is no file. */
#ifndef HAP_TOKENIZER_TOKENIZER_CONFIG_H
#define HAP_TOKENIZER_TOKENIZER_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct hap_tokenizer;

/* Without tokenizer.json: how words are split, and which tokens are special. */
int hap_config_split(struct hap_tokenizer *t, json_t *config, struct hap_error *err);
/* Whether BOS is put first. `whole`: there is a tokenizer.json. */
int hap_config_bos(struct hap_tokenizer *t, const json_t *config, bool whole,
                   struct hap_error *err);
/* The config's bos_token, or, if it has no such key, the bos_token_id of the model's config.json
 * (which may be NULL); -1: none. */
int32_t hap_config_known_bos(const struct hap_tokenizer *t, const json_t *config,
                             const json_t *model);

/* Sets the config's tokenizer_class, if it has none, as transformers does: to that of the model's
 * config.json, or to the class of its model_type. */
int hap_config_class(json_t *config, const json_t *model, struct hap_error *err);
/* Whether a byte-level tokenizer puts a space first: by its class, by the config, and by the
 * pre_tokenizer of tokenizer.json, of this type. transformers 4 is followed; where 5 differs,
 * the tokenizer gets a note. */
void hap_config_prefix(struct hap_tokenizer *t, const json_t *config, const char *type);

#endif
