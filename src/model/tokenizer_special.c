/* The added tokens of a folder: those of tokenizer.json and of
 * added_tokens_decoder in tokenizer_config.json. */
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "model/tokenizer_impl.h"

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

/* A text that is none of the model's own: hidden, since merging must not see
 * it. The tokenizers library numbers such texts itself, whatever the file says,
 * so a file that says otherwise was not made with these ids in mind. */
static int add_hidden(struct hap_tokenizer *t, int64_t id, const char *text,
                      size_t length, struct hap_error *err)
{
        int64_t next = (int64_t)t->n_model;

        if (t->last_added >= next)
                next = (int64_t)t->last_added + 1;
        if (id != next)
                return hap_fail(err, HAP_EINPUT,
                                "added token '%.80s' has id %lld, but the next that is "
                                "free is %lld", text, (long long)id, (long long)next);
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
