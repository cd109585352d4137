/* The added tokens of a folder: those of tokenizer.json, and those of added_tokens_decoder in
 * tokenizer_config.json or, without it, of added_tokens.json. The config, or
 * special_tokens_map.json, also names tokens that are special. */
#include "tokenizer/tokenizer_special.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "tokenizer/tokenizer_impl.h"

/* The keys of the config's special tokens, except those in lists. */
static const char *const named[] = { "bos_token", "eos_token", "unk_token", "sep_token",
                                     "pad_token", "cls_token", "mask_token" };

static struct hap_added flags_of(const json_t *token, bool special)
{
        const json_t *normalized = json_object_get(token, "normalized");

        return (struct hap_added){
                .special = special,
                .single_word = json_is_true(json_object_get(token, "single_word")),
                .lstrip = json_is_true(json_object_get(token, "lstrip")),
                .rstrip = json_is_true(json_object_get(token, "rstrip")),
                .normalized = json_is_boolean(normalized) ? json_is_true(normalized)
                                                          : !special,
        };
}

/* Adds a text that is not one of the model's own, hidden from merging. The tokenizers library
 * ignores the file's id for such a text and gives it the next free one. A file with another id is
 * therefore refused. */
static int add_hidden(struct hap_tokenizer *t, int64_t id, const char *text,
                      size_t length, struct hap_error *err)
{
        int64_t next = (int64_t)t->n_model;

        if (t->last_added >= next)
                next = (int64_t)t->last_added + 1;
        if (id != next)
                return hap_fail(err, HAP_EINPUT,
                                "added token '%.80s' has id %lld, but the next free id "
                                "is %lld", text, (long long)id, (long long)next);
        return hap_vocab_add_hidden(&t->vocab, id, text, length, err);
}

int hap_added_read(struct hap_tokenizer *t, const json_t *token, int64_t id,
                   struct hap_error *err)
{
        const json_t *content = json_object_get(token, "content");
        struct hap_added added =
                flags_of(token, json_is_true(json_object_get(token, "special")));
        const char *text = json_string_value(content);
        size_t length = json_string_length(content);
        int rc = 0;

        if (text == NULL)
                return hap_fail(err, HAP_EINPUT, "added token %lld has no content",
                                (long long)id);
        if (length == 0)
                return 0;
        added.id = hap_token_named(t, text, length);
        if (added.id < 0) {
                rc = add_hidden(t, id, text, length, err);
                added.id = (int32_t)id;
        }
        return rc != 0 ? rc : hap_added_add(t, text, length, &added, err);
}

struct numbered {
        int64_t id;
        const json_t *token;
};

static int by_id(const void *a, const void *b)
{
        int64_t x = ((const struct numbered *)a)->id, y = ((const struct numbered *)b)->id;

        return (x > y) - (x < y);
}

static int read_numbers(json_t *decoder, struct numbered *out, struct hap_error *err)
{
        const char *number;
        json_t *token;
        int rc;

        json_object_foreach(decoder, number, token) {
                out->token = token;
                rc = hap_parse_int(number, "an id of added_tokens_decoder", 0,
                                   HAP_TOKENS_MAX - 1, &out->id, err);
                if (rc == HAP_EUSAGE) /* a number of the file's, not of the user's */
                        rc = err->code = HAP_EINPUT;
                if (rc != 0)
                        return rc;
                out++;
        }
        return 0;
}

static bool is_added(const struct hap_tokenizer *t, const json_t *token)
{
        const json_t *content = json_object_get(token, "content");

        return json_is_string(content) &&
               hap_added_find(t, json_string_value(content),
                              json_string_length(content)) != NULL;
}

int hap_config_tokens(struct hap_tokenizer *t, json_t *config, struct hap_error *err)
{
        json_t *decoder = json_object_get(config, "added_tokens_decoder");
        size_t n = json_object_size(decoder);
        struct numbered *tokens = malloc((n + 1) * sizeof *tokens);
        int rc;

        if (tokens == NULL)
                return hap_fail_memory(err, "the added tokens");
        rc = read_numbers(decoder, tokens, err);
        if (rc == 0)
                qsort(tokens, n, sizeof *tokens, by_id);
        for (size_t i = 0; rc == 0 && i < n; i++)
                if (!is_added(t, tokens[i].token))
                        rc = hap_added_read(t, tokens[i].token, tokens[i].id, err);
        free(tokens);
        return rc;
}

static const char *token_text(const json_t *token)
{
        return json_string_value(json_is_object(token) ? json_object_get(token, "content")
                                                       : token);
}

/* All special tokens that the config names, in a new array. NULL: no memory. */
static json_t *special_tokens(const json_t *config)
{
        json_t *all = json_array(), *extra, *token;
        const char *name;
        int rc = all == NULL;

        for (size_t i = 0; rc == 0 && i < sizeof named / sizeof *named; i++)
                if (token_text(json_object_get(config, named[i])) != NULL)
                        rc = json_array_append(all, json_object_get(config, named[i]));
        extra = json_object_get(config, "additional_special_tokens");
        if (rc == 0 && json_is_array(extra))
                rc = json_array_extend(all, extra);
        extra = json_object_get(config, "extra_special_tokens");
        if (rc == 0 && json_is_array(extra))
                rc = json_array_extend(all, extra);
        json_object_foreach(extra, name, token) {
                if (rc == 0)
                        rc = json_array_append(all, token);
        }
        if (rc == 0)
                return all;
        json_decref(all);
        return NULL;
}

/* Whether the two descriptions of a token differ. For bos_token and the like, transformers uses
 * the added token's description. Elsewhere it adds both, and the result matches neither. */
static bool differs(const json_t *token, const struct hap_added *there)
{
        struct hap_added its = flags_of(token, true);

        return json_is_object(token) &&
               (its.single_word != there->single_word || its.lstrip != there->lstrip ||
                its.rstrip != there->rstrip || its.normalized != there->normalized);
}

static int refuse_two(const char *text, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT,
                        "special token '%.80s' is described twice in different ways", text);
}

static bool is_single(const json_t *config, const json_t *token)
{
        for (size_t i = 0; i < sizeof named / sizeof *named; i++)
                if (json_object_get(config, named[i]) == token)
                        return true;
        return false;
}

static int add_special(struct hap_tokenizer *t, const json_t *config, const json_t *token,
                       struct hap_error *err)
{
        const char *text = token_text(token);
        struct hap_added added = flags_of(token, true), *there;

        if (text == NULL || *text == '\0')
                return 0;
        there = hap_added_find(t, text, strlen(text));
        if (there != NULL) {
                there->special = true;
                return is_single(config, token) || !differs(token, there)
                               ? 0
                               : refuse_two(text, err);
        }
        added.id = hap_vocab_find(&t->vocab, text, strlen(text));
        if (added.id < 0)
                return hap_fail(err, HAP_EINPUT,
                                "the config names a special token '%.80s', which the "
                                "tokenizer does not have", text);
        return hap_added_add(t, text, strlen(text), &added, err);
}

int hap_config_special(struct hap_tokenizer *t, const json_t *config,
                       struct hap_error *err)
{
        json_t *all, *token;
        size_t i;
        int rc = 0;

        if (json_is_true(json_object_get(config, "split_special_tokens")))
                return hap_fail(err, HAP_EINPUT, "split_special_tokens is not supported");
        all = special_tokens(config);
        if (all == NULL)
                return hap_fail_memory(err, "the special tokens");
        json_array_foreach(all, i, token) {
                rc = add_special(t, config, token, err);
                if (rc != 0)
                        break;
        }
        json_decref(all);
        return rc;
}

int hap_config_map(json_t *config, json_t *map, struct hap_error *err)
{
        static const char *const key = "additional_special_tokens";
        json_t *more = json_object_get(config, key), *both = json_array();
        int rc = both == NULL;

        if (rc == 0 && json_is_array(more))
                rc = json_array_extend(both, more);
        if (rc == 0 && json_is_array(json_object_get(map, key)))
                rc = json_array_extend(both, json_object_get(map, key));
        if (rc == 0)
                rc = json_object_update(config, map);
        if (rc == 0)
                rc = json_object_set(config, key, both);
        json_decref(both);
        return rc == 0 ? 0 : hap_fail_memory(err, "the special tokens");
}

static const json_t *find_text(const json_t *tokens, const char *text)
{
        const json_t *token;
        size_t i;

        json_array_foreach(tokens, i, token) {
                if (token_text(token) != NULL && strcmp(token_text(token), text) == 0)
                        return token;
        }
        return NULL;
}

static int put_decoder(json_t *decoder, json_t *tokens, const json_t *special,
                       struct hap_error *err)
{
        json_t *id;
        const char *text;
        static const struct hap_added plain;
        char number[32];

        json_object_foreach(tokens, text, id) {
                const json_t *as_special = find_text(special, text);
                int is_special = as_special != NULL;

                if (!json_is_integer(id))
                        return hap_fail(err, HAP_EINPUT,
                                        "added_tokens.json: token '%.80s' has no id", text);
                if (is_special && differs(as_special, &plain))
                        return refuse_two(text, err);
                snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
                if (json_object_set_new(decoder, number,
                                        json_pack("{s:s, s:b, s:b}", "content", text,
                                                  "special", is_special, "normalized",
                                                  !is_special)) != 0)
                        return hap_fail_memory(err, "the added tokens");
        }
        return 0;
}

/* As in transformers: normalized unless special, no other flags. */
int hap_config_legacy_tokens(json_t *config, json_t *tokens, struct hap_error *err)
{
        json_t *decoder = json_object(), *special = special_tokens(config);
        int rc = decoder == NULL || special == NULL
                         ? hap_fail_memory(err, "the added tokens")
                         : put_decoder(decoder, tokens, special, err);

        if (rc == 0 && json_object_set(config, "added_tokens_decoder", decoder) != 0)
                rc = hap_fail_memory(err, "the added tokens");
        json_decref(decoder);
        json_decref(special);
        return rc;
}
