#include "tokenizer/tokenizer_alphabet.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer_impl.h"

/* GPT-2's bytes_to_unicode: printable Latin-1 represents itself; the other
 * bytes, in order, are the characters from U+0100. */
static bool stands_for_itself(unsigned byte)
{
        return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
               byte >= 0xae;
}

static unsigned to_character(unsigned byte)
{
        if (stands_for_itself(byte))
                return byte;
        if (byte <= 0x20)
                return 0x100 + byte;
        if (byte <= 0xa0)
                return 0x100 + 0x21 + (byte - 0x7f);
        return 0x100 + 0x21 + 0x22; /* 0xad */
}

static int to_byte(unsigned character)
{
        if (character < 0x100)
                return stands_for_itself(character) ? (int)character : -1;
        if (character <= 0x120)
                return (int)(character - 0x100);
        if (character <= 0x142)
                return (int)(character - 0x121 + 0x7f);
        return character == 0x143 ? 0xad : -1;
}

size_t hap_to_alphabet(const char *text, size_t length, char *out)
{
        char *to = out;

        for (size_t i = 0; i < length; i++) {
                unsigned c = to_character((unsigned char)text[i]);

                if (c >= 0x80) {
                        *to++ = (char)(0xc0 | c >> 6);
                        *to++ = (char)(0x80 | (c & 0x3f));
                } else {
                        *to++ = (char)c;
                }
        }
        return (size_t)(to - out);
}

/* The bytes of a text in GPT-2's alphabet. Returns their number, at most `length`; -1 if a character
 * is not in the alphabet. */
static ptrdiff_t from_alphabet(const char *text, size_t length, char *out)
{
        char *to = out;

        for (size_t i = 0; i < length; i++) {
                unsigned c = (unsigned char)text[i];

                if (c >= 0x80) {
                        if ((c & 0xe0) != 0xc0 || i + 1 == length)
                                return -1;
                        c = (c & 0x1f) << 6 | ((unsigned char)text[++i] & 0x3f);
                }
                int byte = to_byte(c);
                if (byte < 0)
                        return -1;
                *to++ = (char)byte;
        }
        return to - out;
}

/* Has space for the longest token: its bytes are never longer than its stored text. */
static char *scratch_for(const struct hap_vocab *v)
{
        size_t longest = 0;

        for (size_t id = 0; id < v->n; id++)
                if (v->known[id] && v->stored[id].length > longest)
                        longest = v->stored[id].length;
        return malloc(longest + 1);
}

int hap_byte_level_finish(struct hap_tokenizer *t, struct hap_error *err)
{
        struct hap_vocab *v = &t->vocab;
        char *bytes = scratch_for(v);
        int rc = 0;

        if (bytes == NULL)
                return hap_fail_memory(err, "the vocabulary");
        for (size_t id = 0; rc == 0 && id < v->n; id++) {
                struct hap_token_text stored = v->stored[id];
                ptrdiff_t length = -1;

                if (v->known[id])
                        length = from_alphabet(v->bytes.data + stored.offset,
                                               stored.length, bytes);
                if (length >= 0)
                        rc = hap_vocab_show(v, (int32_t)id, bytes,
                                            (size_t)length, err);
        }
        free(bytes);
        for (unsigned byte = 0; byte < 256; byte++) {
                char one = (char)byte, text[2];

                t->byte_id[byte] =
                        hap_vocab_find(v, text, hap_to_alphabet(&one, 1, text));
        }
        return rc;
}

static int hexadecimal(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "<0x0A>" names, or -1. */
static int named_byte(const char *text, size_t length)
{
        if (length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>' ||
            hexadecimal(text[3]) < 0 || hexadecimal(text[4]) < 0)
                return -1;
        return 16 * hexadecimal(text[3]) + hexadecimal(text[4]);
}

/* "▁" is a space; returns the length written. */
static size_t from_sentencepiece(const char *text, size_t length, char *out)
{
        char *to = out;

        for (size_t i = 0; i < length;) {
                bool space = length - i >= 3 && memcmp(text + i, "\xe2\x96\x81", 3) == 0;

                *to++ = space ? ' ' : text[i];
                i += space ? 3 : 1;
        }
        return (size_t)(to - out);
}

/* An added token does not count, because byte_fallback ignores added tokens. In a GGUF file all
 * tokens of bytes are the model's own. */
static int byte_of(const struct hap_tokenizer *t, size_t id, const char *text,
                   size_t length)
{
        bool is_model_token = t->n_model == 0 || hap_vocab_find(&t->vocab, text, length) == (int32_t)id;

        return t->byte_fallback && is_model_token ? named_byte(text, length) : -1;
}

int hap_sentencepiece_finish(struct hap_tokenizer *t, struct hap_error *err)
{
        struct hap_vocab *v = &t->vocab;
        char *shown = scratch_for(v);
        int rc = 0;

        if (shown == NULL)
                return hap_fail_memory(err, "the vocabulary");
        memset(t->byte_id, 0xff, sizeof t->byte_id);
        for (size_t id = 0; rc == 0 && id < v->n; id++) {
                const char *text = v->bytes.data + v->stored[id].offset;
                size_t length = v->stored[id].length;
                int byte;

                if (!v->known[id])
                        continue;
                byte = byte_of(t, id, text, length);
                if (byte >= 0) {
                        t->byte_id[byte] = (int32_t)id;
                        *shown = (char)byte;
                        length = 1;
                } else {
                        length = from_sentencepiece(text, length, shown);
                }
                rc = hap_vocab_show(v, (int32_t)id, shown, length, err);
        }
        free(shown);
        return rc;
}
