/* The tokenizer of a Hugging Face folder: tokenizer.json, or vocab.json with
 * merges.txt; tokenizer_config.json with either, and older files that
 * contain parts of it. */
#include "tokenizer/tokenizer_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file_map.h"
#include "common/json_file.h"
#include "tokenizer/tokenizer_config.h"
#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/tokenizer_special.h"
#include "tokenizer/tokenizer_stages.h"

struct folder {
        struct hap_tokenizer *t;
        const char *path;
        json_t *config; /* tokenizer_config.json; an empty object without */
        bool described; /* there is a tokenizer_config.json or a config.json */
        struct hap_error *err;
};

static int path_in(const struct folder *f, const char *name, char *out, size_t capacity)
{
        int n = snprintf(out, capacity, "%s/%s", f->path, name);

        if (n < 0 || (size_t)n >= capacity)
                return hap_fail(f->err, HAP_EUSAGE, "the path is too long");
        return 0;
}

static bool file_exists(const struct folder *f, const char *name)
{
        char path[4096];
        struct hap_error ignored;
        struct folder quiet = { .t = f->t, .path = f->path, .err = &ignored };

        return path_in(&quiet, name, path, sizeof path) == 0 &&
               access(path, F_OK) == 0;
}

static int read_json(const struct folder *f, const char *name, json_t **json)
{
        char path[4096];
        struct hap_file_map map;
        json_error_t why;
        int rc = path_in(f, name, path, sizeof path);

        if (rc != 0 || (rc = hap_file_map_open(&map, path, f->err)) != 0)
                return rc;
        *json = hap_json_text((const char *)map.data, map.size, JSON_ALLOW_NUL, &why);
        hap_file_map_close(&map);
        if (*json == NULL)
                return hap_fail(f->err, HAP_EINPUT, "%s: line %d: %s", name, why.line,
                                why.text);
        if (json_is_object(*json))
                return 0;
        json_decref(*json);
        *json = NULL;
        return hap_fail(f->err, HAP_EINPUT, "%s is not a JSON object", name);
}

static int add_vocabulary(const struct folder *f, json_t *vocab)
{
        const char *text;
        json_t *id;
        int rc;

        if (!json_is_object(vocab) || json_object_size(vocab) == 0)
                return hap_fail(f->err, HAP_EINPUT, "the vocabulary is empty");
        rc = hap_vocab_init(&f->t->vocab, json_object_size(vocab), f->err);
        if (rc != 0)
                return rc;
        json_object_foreach(vocab, text, id) {
                if (!json_is_integer(id))
                        return hap_fail(f->err, HAP_EINPUT,
                                        "token '%.80s' has no id", text);
                rc = hap_vocab_add(&f->t->vocab, json_integer_value(id), text,
                                   strlen(text), f->err);
                if (rc != 0)
                        return rc;
        }
        f->t->n_model = json_object_size(vocab);
        return 0;
}

static int add_merge(const struct folder *f, uint32_t which, const json_t *merge)
{
        const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);

        if (json_is_string(merge))
                return hap_merges_add_line(f->t, which, json_string_value(merge),
                                           json_string_length(merge), f->err);
        if (json_array_size(merge) != 2 || !json_is_string(left) ||
            !json_is_string(right))
                return hap_fail(f->err, HAP_EINPUT, "merge %u is not a pair", which + 1);
        return hap_merges_add_texts(f->t, which, json_string_value(left),
                                    json_string_length(left), json_string_value(right),
                                    json_string_length(right), f->err);
}

static int add_merges(const struct folder *f, const json_t *merges)
{
        size_t i;
        json_t *merge;
        int rc;

        if (!json_is_array(merges))
                return hap_fail(f->err, HAP_EINPUT, "the model has no merges");
        rc = hap_merges_init(&f->t->merges, json_array_size(merges), f->err);
        if (rc != 0)
                return rc;
        json_array_foreach(merges, i, merge) {
                rc = add_merge(f, (uint32_t)i, merge);
                if (rc != 0)
                        break;
        }
        return rc;
}

static bool is_truthy(const json_t *json)
{
        return json != NULL && !json_is_null(json) && !json_is_false(json) &&
               !(json_is_string(json) && json_string_length(json) == 0) &&
               !(json_is_number(json) && json_number_value(json) == 0);
}

static int read_model(const struct folder *f, json_t *model)
{
        static const char *const refused[] = { "dropout", "continuing_subword_prefix",
                                               "end_of_word_suffix" };
        const json_t *type = json_object_get(model, "type");
        const json_t *unk = json_object_get(model, "unk_token");
        struct hap_tokenizer *t = f->t;
        int rc;

        if (json_is_string(type) && strcmp(json_string_value(type), "BPE") != 0)
                return hap_fail(f->err, HAP_EINPUT, "model '%.80s' is not supported",
                                json_string_value(type));
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
                if (is_truthy(json_object_get(model, refused[i])))
                        return hap_fail(f->err, HAP_EINPUT,
                                        "a model with %s is not supported", refused[i]);
        t->byte_fallback = json_is_true(json_object_get(model, "byte_fallback"));
        t->fuse_unk = json_is_true(json_object_get(model, "fuse_unk"));
        t->ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
        rc = add_vocabulary(f, json_object_get(model, "vocab"));
        if (rc == 0 && json_is_string(unk)) {
                t->unk_id = hap_vocab_find(&t->vocab, json_string_value(unk),
                                           json_string_length(unk));
                if (t->unk_id < 0)
                        rc = hap_fail(f->err, HAP_EINPUT,
                                      "unk_token '%.80s' is not in the vocabulary",
                                      json_string_value(unk));
        }
        return rc != 0 ? rc : add_merges(f, json_object_get(model, "merges"));
}

static int add_tokens(const struct folder *f, const json_t *tokens)
{
        size_t i;
        json_t *token;
        int rc = 0;

        json_array_foreach(tokens, i, token) {
                const json_t *id = json_object_get(token, "id");

                rc = json_is_integer(id)
                             ? hap_added_read(f->t, token, json_integer_value(id),
                                              f->err)
                             : hap_fail(f->err, HAP_EINPUT, "added token %zu has no id", i);
                if (rc != 0)
                        break;
        }
        return rc;
}

static int read_stages(const struct folder *f, const json_t *json)
{
        const json_t *pre_tokenizer = json_object_get(json, "pre_tokenizer");
        int rc = hap_stage_normalizer(f->t, json_object_get(json, "normalizer"), f->err);

        if (rc == 0)
                rc = hap_stage_pre_tokenizer(f->t, pre_tokenizer, f->err);
        if (rc != 0)
                return rc;
        if (f->t->byte_level && f->t->byte_fallback)
                return hap_fail(f->err, HAP_EINPUT,
                                "byte_fallback after ByteLevel is not supported");
        if (f->described)
                hap_config_prefix(f->t, f->config,
                                  json_string_value(json_object_get(pre_tokenizer, "type")));
        return hap_stage_post_processor(f->t, json_object_get(json, "post_processor"),
                                        f->err);
}

static int read_tokenizer_json(const struct folder *f)
{
        json_t *json;
        int rc = read_json(f, "tokenizer.json", &json);

        if (rc != 0)
                return rc;
        rc = read_model(f, json_object_get(json, "model"));
        if (rc == 0)
                rc = add_tokens(f, json_object_get(json, "added_tokens"));
        if (rc == 0)
                rc = hap_config_tokens(f->t, f->config, f->err);
        if (rc == 0)
                rc = hap_config_special(f->t, f->config, f->err);
        if (rc == 0)
                rc = read_stages(f, json);
        json_decref(json);
        return rc;
}

static int read_merge_lines(const struct folder *f, char *text, size_t n_lines)
{
        uint32_t which = 0;
        int rc = hap_merges_init(&f->t->merges, n_lines, f->err);

        /* transformers 4.57 reads lines [1:-1]: the first one and what follows the last line break
         * are not merges */
        if (rc == 0 && *text != '\0' && strncmp(text, "#version", 8) != 0)
                rc = hap_fail(f->err, HAP_EINPUT, "merges.txt does not begin with a line '#version': "
                              "transformers ignores the first line; write '#version: 0.2' above it");
        else if (rc == 0 && *text != '\0' && text[strlen(text) - 1] != '\n')
                rc = hap_fail(f->err, HAP_EINPUT, "the last line of merges.txt has no line break: "
                              "transformers ignores such a line; add one");
        for (char *line = text, *end; rc == 0 && *line != '\0'; line = end) {
                size_t length = strcspn(line, "\n");

                end = line + length + (line[length] == '\n');
                if (length > 0 && line[length - 1] == '\r')
                        length--;
                if (length > 0 && strncmp(line, "#version", 8) != 0)
                        rc = hap_merges_add_line(f->t, which++, line, length, f->err);
        }
        return rc;
}

static int read_merges_txt(const struct folder *f)
{
        struct hap_buffer text = { 0 };
        char path[4096], chunk[8192];
        size_t n, n_lines = 1;
        int rc = path_in(f, "merges.txt", path, sizeof path);
        FILE *file = rc == 0 ? fopen(path, "r") : NULL;

        if (file == NULL)
                return rc != 0 ? rc
                               : hap_fail(f->err, HAP_ESYSTEM, "merges.txt: %s",
                                          strerror(errno));
        while (rc == 0 && (n = fread(chunk, 1, sizeof chunk, file)) > 0) {
                for (size_t i = 0; i < n; i++)
                        n_lines += chunk[i] == '\n';
                if (hap_buffer_append(&text, chunk, n) != 0)
                        rc = hap_fail_memory(f->err, "the merges");
        }
        if (rc == 0 && ferror(file))
                rc = hap_fail(f->err, HAP_ESYSTEM, "merges.txt: %s", strerror(errno));
        fclose(file);
        if (rc == 0)
                rc = read_merge_lines(f, text.data != NULL ? text.data : "", n_lines);
        free(text.data);
        return rc;
}

/* A folder without tokenizer.json: GPT-2's and Qwen2's slow tokenizers. */
static int read_vocab_and_merges(const struct folder *f)
{
        json_t *vocab;
        int rc = read_json(f, "vocab.json", &vocab);

        if (rc != 0)
                return rc;
        rc = add_vocabulary(f, vocab);
        json_decref(vocab);
        if (rc == 0)
                rc = read_merges_txt(f);
        return rc != 0 ? rc : hap_config_split(f->t, f->config, f->err);
}

static int read_legacy_file(const struct folder *f, const char *name,
                            int use(json_t *, json_t *, struct hap_error *))
{
        json_t *json = NULL;
        int rc;

        if (!file_exists(f, name))
                return 0;
        rc = read_json(f, name, &json);
        if (rc == 0)
                rc = use(f->config, json, f->err);
        json_decref(json);
        return rc;
}

/* Both files are read only if the config has no added_tokens_decoder, as transformers does. */
static int read_legacy(const struct folder *f)
{
        int rc;

        if (json_object_get(f->config, "added_tokens_decoder") != NULL)
                return 0;
        rc = read_legacy_file(f, "special_tokens_map.json", hap_config_map);
        return rc != 0 ? rc
                       : read_legacy_file(f, "added_tokens.json", hap_config_legacy_tokens);
}

static int read_config(struct folder *f)
{
        int rc;

        if (file_exists(f, "tokenizer_config.json")) {
                rc = read_json(f, "tokenizer_config.json", &f->config);
                return rc != 0 ? rc : read_legacy(f);
        }
        f->config = json_object();
        return f->config == NULL ? hap_fail_memory(f->err, "the tokenizer's config")
                                 : read_legacy(f);
}

/* A tokenizer_config.json without a class: the model's config.json decides. */
static int find_class(struct folder *f)
{
        json_t *model = NULL;
        int rc;

        f->described = file_exists(f, "tokenizer_config.json");
        if (!file_exists(f, "config.json"))
                return 0;
        f->described = true;
        rc = read_json(f, "config.json", &model);
        if (rc == 0)
                rc = hap_config_class(f->config, model, f->err);
        json_decref(model);
        return rc;
}

/* BOS for those who ask for it: the tokenizer's bos_token, or the model's bos_token_id. */
static void find_known_bos(struct folder *f)
{
        struct hap_error ignored; /* a model that cannot be read is refused elsewhere */
        struct folder quiet = *f;
        json_t *model = NULL;

        quiet.err = &ignored;
        if (file_exists(f, "config.json"))
                read_json(&quiet, "config.json", &model);
        f->t->known_bos = hap_config_known_bos(f->t, f->config, model);
        json_decref(model);
}

int hap_tokenizer_read_folder(struct hap_tokenizer *t, const char *path,
                              struct hap_error *err)
{
        struct folder f = { .t = t, .path = path, .err = err };
        bool whole = file_exists(&f, "tokenizer.json");
        int rc;

        if (!whole && !(file_exists(&f, "vocab.json") && file_exists(&f, "merges.txt")))
                return hap_fail(err, HAP_EINPUT,
                                "there is no tokenizer.json, and no vocab.json with "
                                "merges.txt");
        rc = read_config(&f);
        if (rc == 0 && whole)
                rc = find_class(&f);
        if (rc == 0)
                rc = whole ? read_tokenizer_json(&f) : read_vocab_and_merges(&f);
        if (rc == 0)
                rc = hap_config_bos(t, f.config, whole, err);
        if (rc == 0)
                find_known_bos(&f);
        json_decref(f.config);
        return rc;
}
