/* Text to ids.
 *
 * Bytes that are not valid UTF-8 are replaced first: each maximal invalid part becomes
 * U+FFFD, as in Python's decode(errors="replace"). */
#include <stdlib.h>
#include <string.h>

#include "common/data_path.h"
#include "common/gguf_path.h"
#include "tokenizer/tokenizer_alphabet.h"
#include "tokenizer/tokenizer_gguf.h"
#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/tokenizer_json.h"

enum { TEXT_MAX = 1 << 28 }; /* bytes; words have 32-bit offsets */

/* Derives what depends on everything that the loaders have read. */
static int derive_rest(struct hap_tokenizer *t, struct hap_error *err)
{
        int rc = t->byte_level ? hap_byte_level_finish(t, err)
                               : hap_sentencepiece_finish(t, err);

        for (size_t id = 0; id < t->vocab.n; id++)
                if (t->vocab.known[id] && t->vocab.stored[id].length > t->longest)
                        t->longest = t->vocab.stored[id].length;
        return rc != 0 ? rc : hap_added_finish(t, err);
}

int hap_tokenizer_load(struct hap_tokenizer **tokenizer, const char *model_path,
                       struct hap_error *err)
{
        struct hap_tokenizer *t = calloc(1, sizeof *t);
        char found[HAP_PATH];
        const char *path = hap_model_path(model_path, found);
        char file[HAP_GGUF_PATH];
        int rc;

        *tokenizer = NULL;
        if (t == NULL)
                return hap_fail_memory(err, "a tokenizer");
        t->unk_id = t->bos_id = t->known_bos = -1;
        rc = hap_gguf_path(path, file, err);
        if (rc >= 0)
                rc = rc > 0 ? hap_tokenizer_read_gguf(t, file, err)
                            : hap_tokenizer_read_folder(t, path, err);
        if (rc == 0)
                rc = derive_rest(t, err);
        if (rc != 0) {
                hap_tokenizer_free(t);
                return hap_fail_within(err, "cannot use the tokenizer of '%s'",
                                       model_path);
        }
        *tokenizer = t;
        return 0;
}

void hap_tokenizer_free(struct hap_tokenizer *t)
{
        if (t == NULL)
                return;
        hap_vocab_release(&t->vocab);
        free(t->merges.slots);
        free(t->score_rank);
        for (size_t i = 0; i < HAP_STEPS_MAX; i++) {
                free(t->normal[i].from.data);
                free(t->normal[i].to.data);
                pcre2_code_free(t->split[i].code);
        }
        hap_added_release(t);
        free(t);
}

/* Encodes text that is normalised and contains no added token. */
static int encode_words(struct hap_encoder *e, const char *text,
                        struct hap_piece part, bool first)
{
        const struct hap_tokenizer *t = e->t;
        const char *start = text + part.start;
        size_t n_prefix = strlen(t->prefix), length = part.length;
        struct hap_buffer prefixed = { 0 };
        int rc = 0;

        if (n_prefix > 0 && !e->continued && (first || !t->prefix_first_only) &&
            (length < n_prefix || memcmp(start, t->prefix, n_prefix) != 0)) {
                if (hap_buffer_append(&prefixed, t->prefix, n_prefix) != 0 ||
                    hap_buffer_append(&prefixed, start, length) != 0)
                        rc = hap_fail_memory(e->err, "a text");
                start = prefixed.data;
                length = prefixed.length;
        }
        if (rc == 0)
                rc = hap_split_words(e, start, length);
        for (size_t i = 0; rc == 0 && i < e->words.n; i++)
                rc = hap_bpe_word(e, start + e->words.items[i].start,
                                  e->words.items[i].length);
        free(prefixed.data);
        return rc;
}

/* Encodes text between added tokens: normalises it, then cuts out the added tokens that
 * are searched for in normalised text. */
static int encode_part(struct hap_encoder *e, const char *text, struct hap_piece part,
                       bool special)
{
        struct hap_buffer normal = { 0 };
        struct hap_pieces pieces = { 0 };
        bool first = part.start == 0;
        int rc = hap_normalize(e->t, text + part.start, part.length, e->continued,
                               &normal, e->err);

        if (rc == 0 &&
            hap_added_cut(e->t, true, special, normal.data,
                          (struct hap_piece){ 0, normal.length, -1 }, &pieces) != 0)
                rc = hap_fail_memory(e->err, "a text");
        for (size_t i = 0; rc == 0 && i < pieces.n; i++) {
                struct hap_piece piece = pieces.items[i];

                if (piece.id >= 0)
                        hap_encoder_put(e, piece.id);
                else
                        rc = encode_words(e, normal.data, piece,
                                          first && piece.start == 0);
        }
        free(normal.data);
        free(pieces.items);
        return rc;
}

static int encode_valid(struct hap_encoder *e, const char *text, size_t length,
                        bool special)
{
        struct hap_pieces pieces = { 0 };
        int rc = 0;

        if (hap_added_cut(e->t, false, special, text,
                          (struct hap_piece){ 0, length, -1 }, &pieces) != 0)
                rc = hap_fail_memory(e->err, "a text");
        for (size_t i = 0; rc == 0 && i < pieces.n; i++) {
                if (pieces.items[i].id >= 0)
                        hap_encoder_put(e, pieces.items[i].id);
                else
                        rc = encode_part(e, text, pieces.items[i], special);
        }
        free(pieces.items);
        return rc;
}

static int encode(struct hap_encoder *e, const char *text, size_t length,
                  bool special)
{
        struct hap_buffer repaired = { 0 };
        int rc = 0;

        if (length > TEXT_MAX)
                return hap_fail(e->err, HAP_EINPUT,
                                "a text has %zu bytes; the limit is %d", length,
                                TEXT_MAX);
        e->match = pcre2_match_data_create(1, NULL);
        if (e->match == NULL)
                return hap_fail_memory(e->err, "a text");
        if (!hap_utf8_valid(text, length)) {
                if (hap_utf8_repair(text, length, &repaired) != 0)
                        rc = hap_fail_memory(e->err, "a text");
                text = repaired.data;
                length = repaired.length;
        }
        if (rc == 0)
                rc = encode_valid(e, text, length, special);
        free(repaired.data);
        free(e->symbols);
        free(e->heap);
        free(e->words.items);
        free(e->spare.items);
        pcre2_match_data_free(e->match);
        return rc;
}

int hap_tokenizer_encode(const struct hap_tokenizer *tokenizer, const char *text,
                         size_t length, bool special, bool bos, int32_t *ids,
                         size_t max, struct hap_error *err)
{
        struct hap_encoder e = { .t = tokenizer, .ids = ids, .max = max, .err = err };
        int rc;

        if (bos && tokenizer->bos_id >= 0)
                hap_encoder_put(&e, tokenizer->bos_id);
        rc = encode(&e, text, length, special);
        return rc != 0 ? rc : (int)e.n;
}

int hap_tokenizer_continue(const struct hap_tokenizer *tokenizer, const char *text,
                           size_t length, int32_t *ids, size_t max, struct hap_error *err)
{
        struct hap_encoder e = {
                .t = tokenizer, .ids = ids, .max = max, .continued = true, .err = err,
        };
        int rc = encode(&e, text, length, false);

        return rc != 0 ? rc : (int)e.n;
}

int32_t hap_tokenizer_single(const struct hap_tokenizer *tokenizer, const char *text)
{
        struct hap_error err;
        int32_t id = -1;

        return hap_tokenizer_continue(tokenizer, text, strlen(text), &id, 1, &err) == 1 ? id : -1;
}

const char *hap_tokenizer_text(const struct hap_tokenizer *tokenizer, int32_t id,
                               size_t *length)
{
        const struct hap_vocab *v = &tokenizer->vocab;

        if (id < 0 || (size_t)id >= v->n || !v->known[id])
                return NULL;
        if (length != NULL)
                *length = v->shown[id].length;
        return v->bytes.data + v->shown[id].offset;
}

size_t hap_tokenizer_size(const struct hap_tokenizer *tokenizer)
{
        return tokenizer->vocab.n;
}

const char *hap_tokenizer_note(const struct hap_tokenizer *tokenizer)
{
        return tokenizer->note;
}

int32_t hap_tokenizer_bos(const struct hap_tokenizer *tokenizer)
{
        return tokenizer->bos_id;
}

int hap_tokenizer_use_bos(struct hap_tokenizer *tokenizer, bool use, struct hap_error *err)
{
        if (use && tokenizer->bos_id < 0 && tokenizer->known_bos < 0)
                return hap_fail(err, HAP_EINPUT, "cannot put BOS first: the tokenizer's settings "
                                "name no bos_token");
        if (!use)
                tokenizer->bos_id = -1;
        else if (tokenizer->bos_id < 0)
                tokenizer->bos_id = tokenizer->known_bos;
        return HAP_OK;
}
