#include "tokenizer/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/tokenizer_special.h"

/* Set in a config whose tokenizer_class is that of the model type. */
#define CLASS_IS_GUESSED "class is guessed"

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

/* The classes of the model types whose tokenizer_config.json may lack one (transformers 4.57,
 * models/auto/tokenization_auto.py). */
static const struct {
        const char *model_type, *name;
} class_of_type[] = {
        { "gpt2", "GPT2TokenizerFast" },         { "gpt_neo", "GPT2TokenizerFast" },
        { "gptj", "GPT2TokenizerFast" },         { "gpt_bigcode", "GPT2TokenizerFast" },
        { "opt", "GPT2TokenizerFast" },          { "starcoder2", "GPT2TokenizerFast" },
        { "olmo3", "GPT2TokenizerFast" },        { "granite", "GPT2TokenizerFast" },
        { "gpt_neox", "GPTNeoXTokenizerFast" },  { "stablelm", "GPTNeoXTokenizerFast" },
        { "olmo", "GPTNeoXTokenizerFast" },      { "olmo2", "GPTNeoXTokenizerFast" },
        { "mpt", "GPTNeoXTokenizerFast" },       { "phi", "CodeGenTokenizerFast" },
        { "llama", "LlamaTokenizerFast" },       { "mistral", "LlamaTokenizerFast" },
        { "mixtral", "LlamaTokenizerFast" },     { "phi3", "LlamaTokenizerFast" },
        { "qwen2", "Qwen2TokenizerFast" },       { "qwen3", "Qwen2TokenizerFast" },
        { "qwen3_moe", "Qwen2TokenizerFast" },   { "gemma", "GemmaTokenizerFast" },
        { "gemma2", "GemmaTokenizerFast" },      { "gemma3", "GemmaTokenizerFast" },
        { "gemma3_text", "GemmaTokenizerFast" }, { "cohere", "CohereTokenizerFast" },
        { "cohere2", "CohereTokenizerFast" },    { "bloom", "BloomTokenizerFast" },
};

int hap_config_class(json_t *config, const json_t *model, struct hap_error *err)
{
        const char *type = json_string_value(json_object_get(model, "model_type"));
        const char *name = json_string_value(json_object_get(model, "tokenizer_class"));

        if (*class_of(config) != '\0')
                return 0;
        for (size_t i = 0; name == NULL && type != NULL &&
                           i < sizeof class_of_type / sizeof *class_of_type; i++)
                if (strcmp(type, class_of_type[i].model_type) == 0)
                        name = class_of_type[i].name;
        if (name != NULL &&
            (json_object_set_new(config, "tokenizer_class", json_string(name)) < 0 ||
             json_object_set_new(config, CLASS_IS_GUESSED, json_true()) < 0))
                return hap_fail_memory(err, "the tokenizer's config");
        return 0;
}

/* The classes to which transformers 5 gives a pre_tokenizer of its own. */
static bool makes_pre_tokenizer(const json_t *config)
{
        return is_class(config, "GPT2") || is_class(config, "GPTNeoX") ||
               is_class(config, "Qwen2") || is_class(config, "Cohere") ||
               is_class(config, "CodeGen") || is_class(config, "Roberta");
}

/* In transformers 4 the config's add_prefix_space, or false, overrides a ByteLevel that is not in
 * a Sequence. Llama's class passes on only what is set. Bloom and Cohere turn the space on in a
 * Sequence, too. */
void hap_config_prefix(struct hap_tokenizer *t, const json_t *config, const char *type)
{
        const json_t *flag = json_object_get(config, "add_prefix_space");
        const bool stored = t->prefix[0] != '\0', asked = json_is_true(flag);
        const bool bare = type != NULL && strcmp(type, "ByteLevel") == 0;
        const bool llama = is_class(config, "Llama") || is_class(config, "CodeLlama");
        bool put, put_by_5;

        if (!t->byte_level)
                return;
        if (bare)
                put = llama && !json_is_boolean(flag) ? stored : asked;
        else
                put = stored || (asked && (is_class(config, "Bloom") || is_class(config, "Cohere")));
        put_by_5 = makes_pre_tokenizer(config) ? asked : stored;
        strcpy(t->prefix, put ? " " : "");
        if (put != put_by_5)
                t->note = put ? "a space is put before the text of prompts, as in transformers 4; "
                                "transformers 5 puts none"
                              : "no space is put before the text of prompts, as in transformers 4; "
                                "transformers 5 puts one";
}

/* The bos_token of the classes that put it first, if the config names none. */
static int32_t default_bos(const struct hap_tokenizer *t, const json_t *config)
{
        const char *text = is_class(config, "Gemma")    ? "<bos>"
                           : is_class(config, "Cohere") ? "<BOS_TOKEN>"
                                                        : "<s>";

        return sets_bos(config) ? hap_token_named(t, text, strlen(text)) : -1;
}

int hap_config_bos(struct hap_tokenizer *t, const json_t *config, bool whole,
                   struct hap_error *err)
{
        const json_t *add = json_object_get(config, "add_bos_token");
        bool obeyed = !whole || obeys_add_bos(config);
        int32_t bos;

        if (!obeyed)
                return 0;
        if (json_is_true(json_object_get(config, "add_eos_token")))
                return hap_fail(err, HAP_EINPUT, "add_eos_token is not supported");
        if (!(json_is_boolean(add) ? json_is_true(add) : sets_bos(config))) {
                t->bos_id = -1;
                return 0;
        }
        bos = token_named(t, config, "bos_token");
        if (bos < 0 && json_object_get(config, "bos_token") == NULL)
                bos = default_bos(t, config);
        if (bos < 0 && json_object_get(config, CLASS_IS_GUESSED) != NULL)
                return 0; /* what tokenizer.json says */
        t->bos_id = bos;
        if (bos < 0)
                return hap_fail(err, HAP_EINPUT,
                                "add_bos_token is set, but the vocabulary has no "
                                "bos_token");
        return 0;
}

int32_t hap_config_known_bos(const struct hap_tokenizer *t, const json_t *config,
                             const json_t *model)
{
        const json_t *id = json_object_get(model, "bos_token_id");

        if (t->bos_id >= 0)
                return t->bos_id;
        if (json_object_get(config, "bos_token"))
                return token_named(t, config, "bos_token");
        return json_is_integer(id) && json_integer_value(id) >= 0 &&
                               json_integer_value(id) < (json_int_t)t->vocab.n
                       ? (int32_t)json_integer_value(id)
                       : -1;
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
