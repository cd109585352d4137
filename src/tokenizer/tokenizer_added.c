/* Added tokens are found before the text is split into words: those that are `normalized`
 * after the normalizer, the others before it. Of the tokens that start at the same
 * position, the longest is taken. */
#include "tokenizer/tokenizer_added.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "tokenizer/tokenizer_impl.h"

static int32_t *find_slot(const struct hap_tokenizer *t,
                          const struct hap_added_index *index, const char *text,
                          size_t length)
{
        size_t at = XXH3_64bits(text, length);

        for (;; at++) {
                int32_t *slot = &index->slots[at & (index->n_slots - 1)];
                const struct hap_buffer *there;

                if (*slot < 0)
                        return slot;
                there = &t->added[*slot].text;
                if (there->length == length &&
                    memcmp(there->data, text, length) == 0)
                        return slot;
        }
}

static int new_slots(struct hap_added_index *index, size_t n)
{
        free(index->slots);
        index->n_slots = 16;
        while (index->n_slots < 2 * n)
                index->n_slots *= 2;
        index->slots = malloc(index->n_slots * sizeof *index->slots);
        if (index->slots == NULL) {
                index->n_slots = 0;
                return -1;
        }
        memset(index->slots, 0xff, index->n_slots * sizeof *index->slots);
        return 0;
}

/* Makes the last added token known to hap_added_find, which finds the first of two with
 * the same text. */
static int note_name(struct hap_tokenizer *t)
{
        size_t i = t->n_added - 1;

        if (2 * t->n_added > t->names.n_slots) {
                if (new_slots(&t->names, 2 * t->n_added) != 0)
                        return -1;
                i = 0;
        }
        for (; i < t->n_added; i++) {
                const struct hap_buffer *text = &t->added[i].text;
                int32_t *slot = find_slot(t, &t->names, text->data, text->length);

                if (*slot < 0)
                        *slot = (int32_t)i;
        }
        return 0;
}

struct hap_added *hap_added_find(const struct hap_tokenizer *t, const char *text,
                                 size_t length)
{
        int32_t found = -1;

        if (t->names.n_slots > 0)
                found = *find_slot(t, &t->names, text, length);
        return found >= 0 ? &t->added[found] : NULL;
}

int32_t hap_token_named(const struct hap_tokenizer *t, const char *text, size_t length)
{
        const struct hap_added *added = hap_added_find(t, text, length);

        return added != NULL ? added->id : hap_vocab_find(&t->vocab, text, length);
}

int hap_added_add(struct hap_tokenizer *t, const char *text, size_t length,
                  const struct hap_added *what, struct hap_error *err)
{
        struct hap_added *added;

        if (length == 0)
                return 0;
        if (length > HAP_TOKEN_BYTES_MAX)
                return hap_fail(err, HAP_EINPUT,
                                "added token %d is longer than %d bytes",
                                (int)what->id, HAP_TOKEN_BYTES_MAX);
        if (t->n_added == t->added_capacity) {
                size_t capacity = 2 * t->added_capacity + 16;

                added = realloc(t->added, capacity * sizeof *added);
                if (added == NULL)
                        return hap_fail_memory(err, "the added tokens");
                t->added = added;
                t->added_capacity = capacity;
        }
        added = &t->added[t->n_added++];
        *added = *what;
        added->text = (struct hap_buffer){ 0 };
        if (hap_buffer_append(&added->text, text, length) != 0)
                return hap_fail_memory(err, "the added tokens");
        if (added->id > t->last_added)
                t->last_added = added->id;
        return note_name(t) == 0 ? 0 : hap_fail_memory(err, "the added tokens");
}

/* Adds to the lengths of the tokens that start with a byte, longest first. */
static int note_length(struct hap_added_lengths *l, size_t length)
{
        size_t at = 0;

        while (at < l->n && l->lengths[at] > length)
                at++;
        if (at < l->n && l->lengths[at] == length)
                return 0;
        size_t *lengths = realloc(l->lengths, (l->n + 1) * sizeof *lengths);
        if (lengths == NULL)
                return -1;
        memmove(lengths + at + 1, lengths + at, (l->n - at) * sizeof *lengths);
        lengths[at] = length;
        l->lengths = lengths;
        l->n++;
        return 0;
}

static int index_all(struct hap_tokenizer *t, bool normalized)
{
        struct hap_added_index *index = &t->index[normalized];

        if (new_slots(index, t->n_added) != 0)
                return -1;
        for (size_t i = 0; i < t->n_added; i++) {
                const struct hap_buffer *text = &t->added[i].text;

                if (t->added[i].normalized != normalized || text->length == 0)
                        continue;
                *find_slot(t, index, text->data, text->length) = (int32_t)i;
                if (note_length(&index->by_byte[(unsigned char)text->data[0]],
                                text->length) != 0)
                        return -1;
        }
        return 0;
}

/* Here a Metaspace replaces the spaces before normalised tokens are searched for; in the
 * tokenizers library it does so afterwards. A token for which this makes a difference is refused.
 */
static int check_metaspace(const struct hap_tokenizer *t, const struct hap_added *added,
                           const char *name, struct hap_error *err)
{
        const struct hap_buffer *mark = &t->metaspace->to;

        if (!added->lstrip && !added->rstrip &&
            (mark->length == 0 || memmem(added->text.data, added->text.length, mark->data,
                                         mark->length) == NULL))
                return 0;
        return hap_fail(err, HAP_EINPUT,
                        "added token '%.80s' is normalized and strips or contains spaces, "
                        "which is not supported with Metaspace", name);
}

static int finish_added(struct hap_tokenizer *t, struct hap_added *added, struct hap_error *err)
{
        struct hap_buffer made = { 0 }, given = added->text;
        int rc = hap_vocab_show(&t->vocab, added->id, given.data, given.length, err);

        if (rc != 0 || !added->normalized)
                return rc;
        rc = hap_normalize(t, given.data, given.length, false, &made, err);
        added->text = made;
        if (rc == 0 && t->metaspace != NULL)
                rc = check_metaspace(t, added, given.data, err);
        free(given.data);
        return rc;
}

int hap_added_finish(struct hap_tokenizer *t, struct hap_error *err)
{
        for (size_t i = 0; i < t->n_added; i++) {
                int rc = t->added[i].ready ? 0 : finish_added(t, &t->added[i], err);

                if (rc != 0)
                        return rc;
        }
        free(t->names.slots); /* the texts have changed */
        t->names = (struct hap_added_index){ 0 };
        if (index_all(t, false) != 0 || index_all(t, true) != 0)
                return hap_fail_memory(err, "the added tokens");
        return 0;
}

/* The longest token that starts here. */
static const struct hap_added *match_here(const struct hap_tokenizer *t,
                                          const struct hap_added_index *index,
                                          const char *text, size_t length)
{
        const struct hap_added_lengths *l = &index->by_byte[(unsigned char)text[0]];

        for (size_t i = 0; i < l->n; i++) {
                if (l->lengths[i] > length)
                        continue;
                int32_t found = *find_slot(t, index, text, l->lengths[i]);
                if (found >= 0)
                        return &t->added[found];
        }
        return NULL;
}

static utf8proc_int32_t character_at(const char *text, size_t length)
{
        utf8proc_int32_t c = -1;

        if (length > 0)
                utf8proc_iterate((const utf8proc_uint8_t *)text,
                                 (utf8proc_ssize_t)length, &c);
        return c;
}

static size_t character_before(const char *text, size_t end)
{
        size_t at = end;

        while (at > 0 && end - at < 4 && ((unsigned char)text[--at] & 0xc0) == 0x80)
                ;
        return at;
}

/* \w of Unicode's UTS 18: alphabetic, marks, digits, connectors, joiners. */
static bool is_word(utf8proc_int32_t c)
{
        if (c < 0)
                return false;
        utf8proc_category_t category = utf8proc_category(c);
        return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ND) ||
               category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC ||
               c == 0x200c || c == 0x200d || (c >= 0x24b6 && c <= 0x24e9) ||
               (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
               (c >= 0x1f170 && c <= 0x1f189);
}

static bool is_space(utf8proc_int32_t c)
{
        if (c < 0)
                return false;
        return (c >= 9 && c <= 13) || c == 0x85 ||
               (utf8proc_category(c) >= UTF8PROC_CATEGORY_ZS &&
                utf8proc_category(c) <= UTF8PROC_CATEGORY_ZP);
}

static bool stands_alone(const char *text, size_t start, size_t end, size_t length)
{
        size_t before = character_before(text, start);

        return (start == 0 || !is_word(character_at(text + before, start - before))) &&
               !is_word(character_at(text + end, length - end));
}

/* Extends the match over adjacent spaces if the token strips them. */
static void widen_match(const struct hap_added *added, const char *text, size_t length,
                        size_t first, size_t *start, size_t *end)
{
        size_t at;

        while (added->lstrip && *start > first &&
               (at = character_before(text, *start),
                is_space(character_at(text + at, *start - at))))
                *start = at;
        while (added->rstrip && is_space(character_at(text + *end, length - *end)))
                *end += hap_utf8_length(text + *end, length - *end);
}

int hap_added_cut(const struct hap_tokenizer *t, bool normalized, bool special,
                  const char *text, struct hap_piece part, struct hap_pieces *out)
{
        const struct hap_added_index *index = &t->index[normalized];
        const char *s = text + part.start;
        size_t done = 0, at = 0;
        int rc = 0;

        while (rc == 0 && at < part.length) {
                const struct hap_added *added =
                        match_here(t, index, s + at, part.length - at);
                size_t start = at, end;

                if (added == NULL) {
                        at++;
                        continue;
                }
                at += added->text.length;
                end = at;
                if ((added->special && !special) ||
                    (added->single_word && !stands_alone(s, start, end, part.length)))
                        continue;
                widen_match(added, s, part.length, done, &start, &end);
                if (start > done)
                        rc = hap_pieces_add(out, part.start + done, start - done, -1);
                if (rc == 0)
                        rc = hap_pieces_add(out, part.start + start, end - start,
                                            added->id);
                done = end;
        }
        if (rc == 0 && done < part.length)
                rc = hap_pieces_add(out, part.start + done, part.length - done, -1);
        return rc;
}

void hap_added_release(struct hap_tokenizer *t)
{
        for (size_t i = 0; i < t->n_added; i++)
                free(t->added[i].text.data);
        free(t->added);
        free(t->names.slots);
        for (int k = 0; k < 2; k++) {
                for (int byte = 0; byte < 256; byte++)
                        free(t->index[k].by_byte[byte].lengths);
                free(t->index[k].slots);
        }
}
