/* The stages of tokenizer.json; `json` may be JSON's null or NULL. */
#ifndef HAP_TOKENIZER_TOKENIZER_STAGES_H
#define HAP_TOKENIZER_TOKENIZER_STAGES_H

#include <jansson.h>

#include "common/error.h"

struct hap_tokenizer;

int hap_stage_normalizer(struct hap_tokenizer *t, const json_t *json,
                         struct hap_error *err);
int hap_stage_pre_tokenizer(struct hap_tokenizer *t, const json_t *json,
                            struct hap_error *err);
int hap_stage_post_processor(struct hap_tokenizer *t, const json_t *json,
                             struct hap_error *err);

#endif
