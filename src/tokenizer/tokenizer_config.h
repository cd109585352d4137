/* The settings of tokenizer_config.json. `config` is an object, empty if there is no file. */
#ifndef HAP_TOKENIZER_TOKENIZER_CONFIG_H
#define HAP_TOKENIZER_TOKENIZER_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"

struct hap_tokenizer;

/* Without tokenizer.json: how words are split, and which tokens are special. */
int hap_config_split(struct hap_tokenizer *t, json_t *config, struct hap_error *err);
/* Whether BOS is put first. `whole`: there is a tokenizer.json. */
int hap_config_bos(struct hap_tokenizer *t, const json_t *config, bool whole,
                   struct hap_error *err);

#endif
