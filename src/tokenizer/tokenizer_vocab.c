/* Texts to ids and back. */
#include "tokenizer/tokenizer_vocab.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tokenizer/tokenizer_buffer.h"

static size_t power_of_two_above(size_t n)
{
        size_t power = 16;

        while (power < n)
                power *= 2;
        return power;
}

static int grow_slots(struct hap_vocab *v)
{
        size_t n_slots = power_of_two_above(2 * v->capacity);
        int32_t *slots = malloc(n_slots * sizeof *slots);

        if (slots == NULL)
                return -1;
        memset(slots, 0xff, n_slots * sizeof *slots);
        for (size_t i = 0; i < v->n_slots; i++) {
                int32_t id = v->slots[i];

                if (id < 0)
                        continue;
                size_t at = XXH3_64bits(v->bytes.data + v->stored[id].offset,
                                        v->stored[id].length);
                while (slots[at & (n_slots - 1)] >= 0)
                        at++;
                slots[at & (n_slots - 1)] = id;
        }
        free(v->slots);
        v->slots = slots;
        v->n_slots = n_slots;
        return 0;
}

static int reserve_ids(struct hap_vocab *v, size_t n)
{
        size_t capacity = n > v->capacity + v->capacity / 2 ? n : v->capacity + v->capacity / 2;

        if (n <= v->capacity)
                return 0;
        struct hap_token_text *stored = realloc(v->stored, capacity * sizeof *stored);
        if (stored == NULL)
                return -1;
        v->stored = stored;
        struct hap_token_text *shown = realloc(v->shown, capacity * sizeof *shown);
        if (shown == NULL)
                return -1;
        v->shown = shown;
        bool *known = realloc(v->known, capacity * sizeof *known);
        if (known == NULL)
                return -1;
        v->known = known;
        memset(known + v->capacity, 0, (capacity - v->capacity) * sizeof *known);
        v->capacity = capacity;
        return grow_slots(v);
}

int hap_vocab_init(struct hap_vocab *v, size_t n, struct hap_error *err)
{
        memset(v, 0, sizeof *v);
        if (n > HAP_TOKENS_MAX)
                return hap_fail(err, HAP_EINPUT,
                                "the vocabulary has %zu tokens; the limit is %d",
                                n, HAP_TOKENS_MAX);
        if (reserve_ids(v, n > 0 ? n : 1) != 0)
                return hap_fail_memory(err, "the vocabulary");
        return 0;
}

/* Where the text is, or the free slot where it would be. */
static size_t find_slot(const struct hap_vocab *v, const char *text, size_t length)
{
        size_t at = XXH3_64bits(text, length) & (v->n_slots - 1);

        while (v->slots[at] >= 0) {
                struct hap_token_text there = v->stored[v->slots[at]];

                if (there.length == length &&
                    memcmp(v->bytes.data + there.offset, text, length) == 0)
                        break;
                at = (at + 1) & (v->n_slots - 1);
        }
        return at;
}

static int store_text(struct hap_vocab *v, const char *text, size_t length,
                      struct hap_token_text *where, struct hap_error *err)
{
        where->offset = (uint32_t)v->bytes.length;
        where->length = (uint32_t)length;
        if (hap_buffer_append(&v->bytes, text, length) != 0 ||
            hap_buffer_append(&v->bytes, "", 1) != 0)
                return hap_fail_memory(err, "the vocabulary");
        if (v->bytes.length > UINT32_MAX)
                return hap_fail(err, HAP_EINPUT,
                                "the vocabulary's texts are longer than 4 GiB");
        return 0;
}

int hap_vocab_add_hidden(struct hap_vocab *v, int64_t id, const char *text,
                         size_t length, struct hap_error *err)
{
        if (id < 0 || id >= HAP_TOKENS_MAX)
                return hap_fail(err, HAP_EINPUT,
                                "token '%.80s' has id %lld, which is not between 0 and %d", text,
                                (long long)id, HAP_TOKENS_MAX - 1);
        if (length > HAP_TOKEN_BYTES_MAX)
                return hap_fail(err, HAP_EINPUT,
                                "token %lld is %zu bytes long; the limit is %d",
                                (long long)id, length, HAP_TOKEN_BYTES_MAX);
        if ((size_t)id < v->n && v->known[id])
                return hap_fail(err, HAP_EINPUT,
                                "tokens '%.80s' and '%.80s' have the same id %lld",
                                v->bytes.data + v->stored[id].offset, text,
                                (long long)id);
        if (reserve_ids(v, (size_t)id + 1) != 0)
                return hap_fail_memory(err, "the vocabulary");
        int rc = store_text(v, text, length, &v->stored[id], err);
        if (rc != 0)
                return rc;
        v->shown[id] = v->stored[id];
        v->known[id] = true;
        if ((size_t)id >= v->n)
                v->n = (size_t)id + 1;
        return 0;
}

int hap_vocab_add(struct hap_vocab *v, int64_t id, const char *text,
                  size_t length, struct hap_error *err)
{
        int rc = hap_vocab_add_hidden(v, id, text, length, err);

        if (rc == 0)
                v->slots[find_slot(v, text, length)] = (int32_t)id;
        return rc;
}

int32_t hap_vocab_find(const struct hap_vocab *v, const char *text, size_t length)
{
        return v->slots[find_slot(v, text, length)];
}

int hap_vocab_show(struct hap_vocab *v, int32_t id, const char *text,
                   size_t length, struct hap_error *err)
{
        return store_text(v, text, length, &v->shown[id], err);
}

void hap_vocab_release(struct hap_vocab *v)
{
        free(v->stored);
        free(v->shown);
        free(v->known);
        free(v->slots);
        free(v->bytes.data);
        memset(v, 0, sizeof *v);
}
