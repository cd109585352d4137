/* Byte pair encoding of one word.
 *
 * A word starts as one symbol for each byte or character. While two
 * neighbours can be merged, the pair of the best rank is merged, the leftmost of equal
 * rank first. A heap orders the candidates; a candidate whose symbols have been merged
 * otherwise is dropped when it is popped, so a word of n symbols costs n log n. */
#include "tokenizer/tokenizer_bpe.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer_alphabet.h"
#include "tokenizer/tokenizer_impl.h"

static const uint64_t FREE = UINT64_MAX;

static uint64_t pair_of(int32_t left, int32_t right)
{
        return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* Fibonacci hashing: the high bits of the product are mixed best. */
static size_t home_of(const struct hap_merges *m, uint64_t pair)
{
        return (size_t)((pair * 0x9e3779b97f4a7c15u) >> 20) & (m->n_slots - 1);
}

int hap_merges_init(struct hap_merges *m, size_t n, struct hap_error *err)
{
        if (n > HAP_TOKENS_MAX)
                return hap_fail(err, HAP_EINPUT, "%zu merges; the limit is %d", n,
                                HAP_TOKENS_MAX);
        m->n_slots = 16;
        while (m->n_slots < 2 * n)
                m->n_slots *= 2;
        m->slots = malloc(m->n_slots * sizeof *m->slots);
        if (m->slots == NULL)
                return hap_fail_memory(err, "the merges");
        for (size_t i = 0; i < m->n_slots; i++)
                m->slots[i] = (struct hap_merge){ .pair = FREE };
        return 0;
}

static void add_merge(struct hap_merges *m, int32_t left, int32_t right,
                      uint32_t rank, int32_t id)
{
        uint64_t pair = pair_of(left, right);
        size_t at = home_of(m, pair);

        while (m->slots[at].pair != FREE && m->slots[at].pair != pair)
                at = (at + 1) & (m->n_slots - 1);
        m->slots[at] = (struct hap_merge){ pair, rank, id };
}

static const struct hap_merge *find_merge(const struct hap_merges *m,
                                          int32_t left, int32_t right)
{
        uint64_t pair = pair_of(left, right);
        size_t at = home_of(m, pair);

        while (m->slots[at].pair != pair) {
                if (m->slots[at].pair == FREE)
                        return NULL;
                at = (at + 1) & (m->n_slots - 1);
        }
        return &m->slots[at];
}

static int merge_part(const struct hap_vocab *v, uint32_t which, const char *text,
                      size_t length, int32_t *id, struct hap_error *err)
{
        *id = hap_vocab_find(v, text, length);
        if (*id >= 0)
                return 0;
        return hap_fail(err, HAP_EINPUT,
                        "merge %u needs '%.*s', which is not in the vocabulary",
                        which + 1, length < 80 ? (int)length : 80, text);
}

int hap_merges_add_texts(struct hap_tokenizer *t, uint32_t which,
                         const char *left, size_t n_left, const char *right,
                         size_t n_right, struct hap_error *err)
{
        char joined[2 * HAP_TOKEN_BYTES_MAX];
        int32_t l, r, both;
        int rc;

        if (n_left > HAP_TOKEN_BYTES_MAX || n_right > HAP_TOKEN_BYTES_MAX)
                return hap_fail(err, HAP_EINPUT,
                                "a part of merge %u is longer than %d bytes",
                                which + 1, HAP_TOKEN_BYTES_MAX);
        memcpy(joined, left, n_left);
        memcpy(joined + n_left, right, n_right);
        rc = merge_part(&t->vocab, which, left, n_left, &l, err);
        if (rc == 0)
                rc = merge_part(&t->vocab, which, right, n_right, &r, err);
        if (rc == 0)
                rc = merge_part(&t->vocab, which, joined, n_left + n_right, &both,
                                err);
        if (rc == 0)
                add_merge(&t->merges, l, r, which, both);
        return rc;
}

int hap_merges_add_line(struct hap_tokenizer *t, uint32_t which, const char *line,
                        size_t length, struct hap_error *err)
{
        const char *space = memchr(line, ' ', length);
        size_t n = space != NULL ? (size_t)(space - line) : 0;

        if (space == NULL || memchr(space + 1, ' ', length - n - 1) != NULL)
                return hap_fail(err, HAP_EINPUT, "merge %u is not a pair: '%.*s'",
                                which + 1, length < 80 ? (int)length : 80, line);
        return hap_merges_add_texts(t, which, line, n, space + 1, length - n - 1, err);
}

static int add_symbol(struct hap_encoder *e, int32_t id, size_t start,
                      size_t length)
{
        if (e->n_symbols == e->symbols_capacity) {
                size_t capacity = 2 * e->symbols_capacity + 64;
                struct hap_symbol *symbols =
                        realloc(e->symbols, capacity * sizeof *symbols);

                if (symbols == NULL)
                        return hap_fail_memory(e->err, "the symbols of a word");
                e->symbols = symbols;
                e->symbols_capacity = capacity;
        }
        int32_t at = (int32_t)e->n_symbols++;
        e->symbols[at] = (struct hap_symbol){ id, at - 1, at + 1, (uint32_t)start,
                                              (uint32_t)length };
        return 0;
}

/* Adds the unknown token for text that is not in the vocabulary, or nothing if there is no
 * unknown token, as in the tokenizers library. */
static int unknown_symbol(struct hap_encoder *e, size_t start, size_t length,
                          bool *after_unknown)
{
        if (e->t->unk_id < 0)
                return 0;
        if (*after_unknown && e->t->fuse_unk) {
                e->symbols[e->n_symbols - 1].length += (uint32_t)length;
                return 0;
        }
        *after_unknown = true;
        return add_symbol(e, e->t->unk_id, start, length);
}

static int byte_symbols(struct hap_encoder *e, const char *word, size_t length)
{
        bool after_unknown = false;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < length; i++) {
                int32_t id = e->t->byte_id[(unsigned char)word[i]];

                if (id < 0) {
                        rc = unknown_symbol(e, i, 1, &after_unknown);
                        continue;
                }
                after_unknown = false;
                rc = add_symbol(e, id, i, 1);
        }
        return rc;
}

static bool all_bytes_known(const struct hap_tokenizer *t, const char *text,
                            size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (t->byte_id[(unsigned char)text[i]] < 0)
                        return false;
        return true;
}

/* Adds a character that is not in the vocabulary as its bytes. */
static int fallback_symbols(struct hap_encoder *e, const char *word, size_t start,
                            size_t length)
{
        int rc = 0;

        /* merging by text may still join it to its neighbours */
        if (e->t->score_rank != NULL)
                return add_symbol(e, -1, start, length);
        for (size_t i = start; rc == 0 && i < start + length; i++)
                rc = add_symbol(e, e->t->byte_id[(unsigned char)word[i]], i, 1);
        return rc;
}

static int character_symbols(struct hap_encoder *e, const char *word, size_t length)
{
        bool after_unknown = false;
        int rc = 0;

        for (size_t i = 0, n; rc == 0 && i < length; i += n) {
                int32_t id;

                n = hap_utf8_length(word + i, length - i);
                if (n == 0)
                        return hap_fail(e->err, HAP_EINPUT, "broken UTF-8 in a word");
                id = hap_vocab_find(&e->t->vocab, word + i, n);
                if (id < 0 && e->t->byte_fallback && all_bytes_known(e->t, word + i, n)) {
                        after_unknown = false;
                        rc = fallback_symbols(e, word, i, n);
                } else if (id < 0) {
                        rc = unknown_symbol(e, i, n, &after_unknown);
                } else {
                        after_unknown = false;
                        rc = add_symbol(e, id, i, n);
                }
        }
        return rc;
}

static bool comes_before(const struct hap_candidate *a, const struct hap_candidate *b)
{
        return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static int heap_push(struct hap_encoder *e, struct hap_candidate candidate)
{
        if (e->n_heap == e->heap_capacity) {
                size_t capacity = 2 * e->heap_capacity + 64;
                struct hap_candidate *heap = realloc(e->heap, capacity * sizeof *heap);

                if (heap == NULL)
                        return hap_fail_memory(e->err, "the merges of a word");
                e->heap = heap;
                e->heap_capacity = capacity;
        }
        size_t at = e->n_heap++;
        while (at > 0 && comes_before(&candidate, &e->heap[(at - 1) / 2])) {
                e->heap[at] = e->heap[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        e->heap[at] = candidate;
        return 0;
}

static struct hap_candidate heap_pop(struct hap_encoder *e)
{
        struct hap_candidate first = e->heap[0], last = e->heap[--e->n_heap];
        size_t at = 0, child;

        while ((child = 2 * at + 1) < e->n_heap) {
                if (child + 1 < e->n_heap &&
                    comes_before(&e->heap[child + 1], &e->heap[child]))
                        child++;
                if (!comes_before(&e->heap[child], &last))
                        break;
                e->heap[at] = e->heap[child];
                at = child;
        }
        e->heap[at] = last;
        return first;
}

/* Finds the merge of symbol `at` with the next one, if there is one. */
static bool find_candidate(const struct hap_encoder *e, const char *word,
                           int32_t at, struct hap_candidate *candidate)
{
        const struct hap_tokenizer *t = e->t;
        const struct hap_symbol *left = &e->symbols[at], *right;

        if (left->next >= (int32_t)e->n_symbols)
                return false;
        right = &e->symbols[left->next];
        candidate->at = (uint32_t)at;
        candidate->length = left->length + right->length;
        if (t->score_rank != NULL) {
                if (candidate->length > t->longest)
                        return false;
                candidate->id = hap_vocab_find(&t->vocab, word + left->start,
                                               candidate->length);
                if (candidate->id < 0)
                        return false;
                candidate->rank = t->score_rank[candidate->id];
                return true;
        }
        const struct hap_merge *merge = find_merge(&t->merges, left->id, right->id);
        if (merge == NULL)
                return false;
        candidate->id = merge->id;
        candidate->rank = merge->rank;
        return true;
}

static int push_candidate(struct hap_encoder *e, const char *word, int32_t at)
{
        struct hap_candidate candidate;

        return find_candidate(e, word, at, &candidate) ? heap_push(e, candidate) : 0;
}

/* Merges symbol `at` with the next one. */
static void merge_symbols(struct hap_encoder *e, int32_t at, int32_t id)
{
        struct hap_symbol *left = &e->symbols[at], *right = &e->symbols[left->next];

        left->id = id;
        left->length += right->length;
        left->next = right->next;
        if (left->next < (int32_t)e->n_symbols)
                e->symbols[left->next].previous = at;
        right->length = 0;
}

static int merge_all(struct hap_encoder *e, const char *word)
{
        int rc = 0;

        e->n_heap = 0;
        for (size_t i = 0; rc == 0 && i + 1 < e->n_symbols; i++)
                rc = push_candidate(e, word, (int32_t)i);
        while (rc == 0 && e->n_heap > 0) {
                struct hap_candidate best = heap_pop(e), now;
                int32_t at = (int32_t)best.at;

                if (e->symbols[at].length == 0 ||
                    !find_candidate(e, word, at, &now) || now.id != best.id ||
                    now.length != best.length)
                        continue;
                merge_symbols(e, at, best.id);
                if (e->symbols[at].previous >= 0)
                        rc = push_candidate(e, word, e->symbols[at].previous);
                if (rc == 0)
                        rc = push_candidate(e, word, at);
        }
        return rc;
}

void hap_encoder_put(struct hap_encoder *e, int32_t id)
{
        if (e->n < e->max)
                e->ids[e->n] = id;
        e->n++;
}

static void put_symbol(struct hap_encoder *e, const char *word,
                       const struct hap_symbol *symbol)
{
        if (symbol->id >= 0) {
                hap_encoder_put(e, symbol->id);
                return;
        }
        for (uint32_t i = 0; i < symbol->length; i++)
                hap_encoder_put(
                        e, e->t->byte_id[(unsigned char)word[symbol->start + i]]);
}

/* The id of the whole word in the vocabulary, or -1. */
static int32_t whole_word(const struct hap_tokenizer *t, const char *word,
                          size_t length)
{
        char stored[HAP_TOKEN_BYTES_MAX];

        if (!t->byte_level)
                return hap_vocab_find(&t->vocab, word, length);
        if (2 * length > sizeof stored || length > t->longest)
                return -1;
        return hap_vocab_find(&t->vocab, stored,
                              hap_to_alphabet(word, length, stored));
}

int hap_bpe_word(struct hap_encoder *e, const char *word, size_t length)
{
        int rc;

        if (e->t->ignore_merges) {
                int32_t id = whole_word(e->t, word, length);

                if (id >= 0) {
                        hap_encoder_put(e, id);
                        return 0;
                }
        }
        e->n_symbols = 0;
        rc = e->t->byte_level ? byte_symbols(e, word, length)
                              : character_symbols(e, word, length);
        if (rc == 0)
                rc = merge_all(e, word);
        if (rc != 0)
                return rc;
        for (int32_t at = 0; at < (int32_t)e->n_symbols; at = e->symbols[at].next)
                put_symbol(e, word, &e->symbols[at]);
        return 0;
}
