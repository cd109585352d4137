/* The tokenizer that the metadata of a GGUF file describes, read as llama.cpp reads it: "gpt2" is
 * byte-level BPE with merges, its split pattern named by tokenizer.ggml.pre; "llama" is
 * sentencepiece's BPE, which merges the two neighbours that form the piece with the best score.
 * Where llama.cpp and the model's own library differ (NFC, spaces before user-defined tokens),
 * the library is followed. */
#include "tokenizer/tokenizer_gguf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/gguf_path.h"
#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/tokenizer_pre.h"

#define KEY(name) "tokenizer.ggml." name

enum token_type {
        TYPE_NORMAL = 1,
        TYPE_UNKNOWN = 2,
        TYPE_CONTROL = 3,
        TYPE_USER_DEFINED = 4,
        TYPE_UNUSED = 5,
        TYPE_BYTE = 6,
};

struct source {
        struct hap_tokenizer *t;
        struct hap_gguf gguf;
        struct hap_gguf_text *tokens;
        int64_t *types; /* NULL: all normal */
        float *scores;
        size_t n;
        struct hap_error *err;
};

static bool is_text(struct hap_gguf_text text, const char *wanted)
{
        return text.length == strlen(wanted) &&
               memcmp(text.text, wanted, text.length) == 0;
}

static int unsupported_value(const struct source *s, const char *key, struct hap_gguf_text text)
{
        return hap_fail(s->err, HAP_EINPUT, "%s '%.*s' is not supported", key,
                        text.length < 80 ? (int)text.length : 80, text.text);
}

static int read_arrays(struct source *s)
{
        size_t n_types = 0, n_scores = 0;
        int rc = hap_gguf_texts(&s->gguf, KEY("tokens"), &s->tokens, &s->n, s->err);

        if (rc > 0)
                rc = hap_gguf_ints(&s->gguf, KEY("token_type"), &s->types, &n_types,
                                   s->err);
        else if (rc == 0)
                rc = hap_fail(s->err, HAP_EINPUT, "the file has no %s", KEY("tokens"));
        if (rc >= 0)
                rc = hap_gguf_reals(&s->gguf, KEY("scores"), &s->scores, &n_scores,
                                    s->err);
        if (rc < 0)
                return rc;
        if ((n_types != 0 && n_types != s->n) || (n_scores != 0 && n_scores != s->n))
                return hap_fail(s->err, HAP_EINPUT,
                                "%zu tokens, but %zu types and %zu scores", s->n,
                                n_types, n_scores);
        return 0;
}

/* Control tokens are special. User-defined tokens are found in any text. Sentencepiece finds them
 * in normalised text, where a space is "▁" (converters write either into the file). */
static int add_found(const struct source *s, size_t id, enum token_type type)
{
        struct hap_added added = { .id = (int32_t)id,
                                   .special = type != TYPE_USER_DEFINED };
        struct hap_gguf_text token = s->tokens[id];
        struct hap_buffer text = { 0 };
        int rc = 0;

        if (s->t->byte_level || added.special)
                return hap_added_add(s->t, token.text, token.length, &added, s->err);
        added.normalized = added.ready = true;
        for (size_t i = 0; rc == 0 && i < token.length; i++)
                rc = token.text[i] == ' ' ? hap_buffer_append(&text, "\xe2\x96\x81", 3)
                                          : hap_buffer_append(&text, token.text + i, 1);
        rc = rc != 0 ? hap_fail_memory(s->err, "the added tokens")
                     : hap_added_add(s->t, text.data, text.length, &added, s->err);
        free(text.data);
        return rc;
}

static int add_tokens(const struct source *s)
{
        struct hap_vocab *v = &s->t->vocab;
        int rc = hap_vocab_init(v, s->n, s->err);

        for (size_t id = 0; rc == 0 && id < s->n; id++) {
                int64_t type = s->types != NULL ? s->types[id] : TYPE_NORMAL;
                struct hap_gguf_text text = s->tokens[id];
                bool hidden = type == TYPE_UNUSED || type == TYPE_BYTE ||
                              text.length == 0 ||
                              (!s->t->byte_level &&
                               (type == TYPE_CONTROL || type == TYPE_UNKNOWN));

                if (type < TYPE_NORMAL || type > TYPE_BYTE)
                        return hap_fail(s->err, HAP_EINPUT, "token %zu has unknown type %lld",
                                        id, (long long)type);
                rc = hidden ? hap_vocab_add_hidden(v, (int64_t)id, text.text,
                                                   text.length, s->err)
                            : hap_vocab_add(v, (int64_t)id, text.text, text.length,
                                            s->err);
                if (rc == 0 && (type == TYPE_CONTROL || type == TYPE_USER_DEFINED))
                        rc = add_found(s, id, (enum token_type)type);
                s->t->byte_fallback |= type == TYPE_BYTE;
        }
        return rc;
}

/* *id is unchanged if the file does not have the key. */
static int read_id(const struct source *s, const char *key, int32_t *id)
{
        int64_t value;
        int rc = hap_gguf_int(&s->gguf, key, &value, s->err);

        if (rc <= 0)
                return rc;
        if (value < 0 || (uint64_t)value >= s->n)
                return hap_fail(s->err, HAP_EINPUT, "%s is %lld, but there are %zu tokens",
                                key, (long long)value, s->n);
        *id = (int32_t)value;
        return 0;
}

static int read_bos(const struct source *s, bool add, int32_t otherwise)
{
        bool eos = false;
        int32_t bos = otherwise < (int64_t)s->n ? otherwise : -1;
        int rc = hap_gguf_bool(&s->gguf, KEY("add_bos_token"), &add, s->err);

        if (rc >= 0)
                rc = hap_gguf_bool(&s->gguf, KEY("add_eos_token"), &eos, s->err);
        if (rc >= 0)
                rc = read_id(s, KEY("bos_token_id"), &bos);
        if (rc < 0)
                return rc;
        if (eos)
                return hap_fail(s->err, HAP_EINPUT, "%s is not supported",
                                KEY("add_eos_token"));
        if (add && bos < 0)
                return hap_fail(s->err, HAP_EINPUT, "%s is set, but %s is not",
                                KEY("add_bos_token"), KEY("bos_token_id"));
        s->t->bos_id = add ? bos : -1;
        return 0;
}

static int read_merges(const struct source *s)
{
        struct hap_gguf_text *merges = NULL;
        size_t n = 0;
        int rc = hap_gguf_texts(&s->gguf, KEY("merges"), &merges, &n, s->err);

        if (rc == 0)
                rc = hap_fail(s->err, HAP_EINPUT, "the file has no %s", KEY("merges"));
        if (rc > 0)
                rc = hap_merges_init(&s->t->merges, n, s->err);
        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = hap_merges_add_line(s->t, (uint32_t)i, merges[i].text,
                                         merges[i].length, s->err);
        free(merges);
        return rc;
}

static int read_byte_level(const struct source *s)
{
        struct hap_gguf_text name = { "", 0 };
        const struct hap_pre *pre = NULL;
        int rc = hap_gguf_text(&s->gguf, KEY("pre"), &name, s->err);

        if (rc == 0)
                return hap_fail(s->err, HAP_EINPUT,
                                "the file has no %s, so how words are split is unknown",
                                KEY("pre"));
        if (rc > 0)
                pre = hap_pre_find(name.text, name.length);
        if (rc > 0 && pre == NULL)
                return unsupported_value(s, KEY("pre"), name);
        s->t->byte_level = true;
        rc = rc < 0 ? rc : add_tokens(s);
        if (rc == 0)
                rc = read_merges(s);
        for (size_t i = 0; rc == 0 && i < 6 && pre->patterns[i] != NULL; i++)
                rc = hap_split_add(s->t, pre->patterns[i], strlen(pre->patterns[i]),
                                   HAP_SPLIT_ISOLATED, false, s->err);
        if (rc != 0)
                return rc;
        if (pre->nfc)
                s->t->normal[s->t->n_normal++].kind = HAP_NORMAL_NFC;
        s->t->ignore_merges = pre->ignore_merges;
        return read_bos(s, pre->add_bos, -1);
}

struct scored {
        float score;
        uint32_t id;
};

static int by_score(const void *a, const void *b)
{
        float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;

        return (x < y) - (x > y);
}

/* Equal scores have equal ranks: then the leftmost pair is merged first. */
static int rank_scores(const struct source *s)
{
        struct scored *order = malloc((s->n + 1) * sizeof *order);
        uint32_t rank = 0;
        int rc = 0;

        s->t->score_rank = malloc((s->n + 1) * sizeof *s->t->score_rank);
        if (order == NULL || s->t->score_rank == NULL)
                rc = hap_fail_memory(s->err, "the scores of tokens");
        for (size_t i = 0; rc == 0 && i < s->n; i++) {
                order[i] = (struct scored){ s->scores[i], (uint32_t)i };
                if (isnan(s->scores[i]))
                        rc = hap_fail(s->err, HAP_EINPUT, "token %zu has no score", i);
        }
        if (rc == 0)
                qsort(order, s->n, sizeof *order, by_score);
        for (size_t i = 0; rc == 0 && i < s->n; i++) {
                if (i > 0 && order[i].score < order[i - 1].score)
                        rank++;
                s->t->score_rank[order[i].id] = rank;
        }
        free(order);
        return rc;
}

static int add_normal(const struct source *s, enum hap_normal_kind kind,
                      const char *from, const char *to)
{
        struct hap_normal_step *step = &s->t->normal[s->t->n_normal++];

        step->kind = kind;
        if (hap_buffer_append(&step->from, from, strlen(from)) != 0 ||
            hap_buffer_append(&step->to, to, strlen(to)) != 0)
                return hap_fail_memory(s->err, "a normalizer");
        return 0;
}

static int read_sentencepiece(const struct source *s)
{
        bool prefix = true, squeeze = false;
        int rc = hap_gguf_bool(&s->gguf, KEY("add_space_prefix"), &prefix, s->err);

        if (rc >= 0)
                rc = hap_gguf_bool(&s->gguf, KEY("remove_extra_whitespaces"), &squeeze,
                                   s->err);
        if (rc < 0)
                return rc;
        if (squeeze || hap_gguf_find(&s->gguf, KEY("precompiled_charsmap")) != NULL)
                return hap_fail(s->err, HAP_EINPUT, "%s is not supported",
                                squeeze ? KEY("remove_extra_whitespaces")
                                        : KEY("precompiled_charsmap"));
        if (s->scores == NULL)
                return hap_fail(s->err, HAP_EINPUT, "the file has no %s", KEY("scores"));
        rc = prefix ? add_normal(s, HAP_NORMAL_PREPEND, "", "\xe2\x96\x81") : 0;
        if (rc == 0)
                rc = add_normal(s, HAP_NORMAL_REPLACE, " ", "\xe2\x96\x81");
        if (rc == 0)
                rc = add_tokens(s);
        if (rc == 0)
                rc = rank_scores(s);
        if (rc == 0)
                rc = read_id(s, KEY("unknown_token_id"), &s->t->unk_id);
        s->t->fuse_unk = true;
        return rc != 0 ? rc : read_bos(s, true, 1);
}

int hap_tokenizer_read_gguf(struct hap_tokenizer *t, const char *path,
                            struct hap_error *err)
{
        struct source s = { .t = t, .err = err };
        struct hap_gguf_text model;
        int rc = hap_gguf_open(&s.gguf, path, err);

        if (rc != 0)
                return rc;
        if ((rc = hap_gguf_check_first(&s.gguf, err)) < 0)
                goto out;
        rc = hap_gguf_text(&s.gguf, KEY("model"), &model, err);
        if (rc == 0)
                rc = hap_fail(err, HAP_EINPUT, "the file has no %s", KEY("model"));
        if (rc > 0)
                rc = read_arrays(&s);
        if (rc == 0 && is_text(model, "gpt2"))
                rc = read_byte_level(&s);
        else if (rc == 0 && is_text(model, "llama"))
                rc = read_sentencepiece(&s);
        else if (rc == 0)
                rc = unsupported_value(&s, KEY("model"), model);
out:
        free(s.tokens);
        free(s.types);
        free(s.scores);
        hap_gguf_close(&s.gguf);
        return rc;
}
