#include "tokenizer/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/tokenizer_special.h"

static const char *class_of(const json_t *config)
{
        const char *name = json_string_value(json_object_get(config, "tokenizer_class"));

        return name != NULL ? name : "";
}

/* "GPT2" is GPT2Tokenizer and GPT2TokenizerFast. */
static bool is_class(const json_t *config, const char *family)
{
        const char *name = class_of(config);
        size_t n = strlen(family);

        return strncmp(name, family, n) == 0 &&
               (strcmp(name + n, "Tokenizer") == 0 ||
                strcmp(name + n, "TokenizerFast") == 0);
}

/* The classes that put BOS first by default. */
static bool sets_bos(const json_t *config)
{
        return is_class(config, "Llama") || is_class(config, "CodeLlama") ||
               is_class(config, "Gemma") || is_class(config, "Cohere");
}

/* The classes that obey add_bos_token even if there is a tokenizer.json. */
static bool obeys_add_bos(const json_t *config)
{
        return sets_bos(config) || is_class(config, "GPTNeoX");
}

static int32_t token_named(const struct hap_tokenizer *t, const json_t *config,
                           const char *key)
{
        const json_t *token = json_object_get(config, key);

        if (json_is_object(token))
                token = json_object_get(token, "content");
        return json_is_string(token) ? hap_token_named(t, json_string_value(token),
                                                       json_string_length(token))
                                     : -1;
}

int hap_config_bos(struct hap_tokenizer *t, const json_t *config, bool whole,
                   struct hap_error *err)
{
        const json_t *add = json_object_get(config, "add_bos_token");
        bool obeyed = !whole || obeys_add_bos(config);

        if (!obeyed)
                return 0;
        if (json_is_true(json_object_get(config, "add_eos_token")))
                return hap_fail(err, HAP_EINPUT, "add_eos_token is not supported");
        if (!(json_is_boolean(add) ? json_is_true(add) : sets_bos(config))) {
                t->bos_id = -1;
                return 0;
        }
        t->bos_id = token_named(t, config, "bos_token");
        if (t->bos_id < 0)
                return hap_fail(err, HAP_EINPUT,
                                "add_bos_token is set, but the vocabulary has no "
                                "bos_token");
        return 0;
}

/* The default BOS, EOS or padding token of both classes. */
static int add_default(struct hap_tokenizer *t, struct hap_error *err)
{
        static const char text[] = "<|endoftext|>";
        struct hap_added *there = hap_added_find(t, text, sizeof text - 1);
        struct hap_added added = {
                .id = hap_vocab_find(&t->vocab, text, sizeof text - 1), .special = true,
        };

        if (there != NULL)
                there->special = true;
        return there != NULL || added.id < 0
                       ? 0
                       : hap_added_add(t, text, sizeof text - 1, &added, err);
}

int hap_config_split(struct hap_tokenizer *t, json_t *config, struct hap_error *err)
{
        bool qwen = is_class(config, "Qwen2");
        int rc = 0;

        if (!qwen && *class_of(config) != '\0' && !is_class(config, "GPT2"))
                return hap_fail(err, HAP_EINPUT,
                                "vocab.json and merges.txt of a %.80s are not "
                                "supported without tokenizer.json", class_of(config));
        t->byte_level = true;
        if (!qwen && json_is_true(json_object_get(config, "add_prefix_space")))
                strcpy(t->prefix, " ");
        if (qwen)
                t->normal[t->n_normal++].kind = HAP_NORMAL_NFC;
        rc = qwen ? hap_split_add(t, HAP_PATTERN_QWEN2, sizeof HAP_PATTERN_QWEN2 - 1,
                                  HAP_SPLIT_ISOLATED, false, err)
                  : hap_split_add(t, HAP_PATTERN_GPT2, sizeof HAP_PATTERN_GPT2 - 1,
                                  HAP_SPLIT_ISOLATED, false, err);
        if (rc == 0)
                rc = hap_config_tokens(t, config, err);
        if (rc == 0)
                rc = hap_config_special(t, config, err);
        if (rc == 0)
                rc = add_default(t, err);
        return rc;
}
