/* What the tokens of a vocabulary stand for: bytes, or characters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/tokenizer_impl.h"

/* GPT-2's bytes_to_unicode: printable Latin-1 stands for itself, the other
 * bytes, in order, for the characters from U+0100. */
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

ptrdiff_t hap_from_alphabet(const char *text, size_t length, char *out)
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

/* The longest token's bytes fit: a text is never longer than it is stored. */
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
                        length = hap_from_alphabet(v->bytes.data + stored.offset,
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

/* "▁" is a space, "<0x0A>" a byte; returns the length written. */
static size_t from_sentencepiece(const char *text, size_t length, char *out)
{
        char *to = out;
        unsigned byte;
        int end = 0;

        if (length == 6 && sscanf(text, "<0x%2X>%n", &byte, &end) == 1 && end == 6) {
                *out = (char)byte;
                return 1;
        }
        for (size_t i = 0; i < length;) {
                if (length - i >= 3 && memcmp(text + i, "\xe2\x96\x81", 3) == 0) {
                        *to++ = ' ';
                        i += 3;
                } else {
                        *to++ = text[i++];
                }
        }
        return (size_t)(to - out);
}

int hap_sentencepiece_finish(struct hap_tokenizer *t, struct hap_error *err)
{
        struct hap_vocab *v = &t->vocab;
        char *bytes = scratch_for(v);
        int rc = 0;

        if (bytes == NULL)
                return hap_fail_memory(err, "the vocabulary");
        for (size_t id = 0; rc == 0 && id < v->n; id++) {
                const char *text = v->bytes.data + v->stored[id].offset;

                if (v->known[id])
                        rc = hap_vocab_show(v, (int32_t)id, bytes,
                                            from_sentencepiece(text, v->stored[id].length, bytes),
                                            err);
        }
        free(bytes);
        for (unsigned byte = 0; byte < 256; byte++) {
                char text[8];

                snprintf(text, sizeof text, "<0x%02X>", byte);
                t->byte_id[byte] = t->byte_fallback ? hap_vocab_find(v, text, 6) : -1;
        }
        return rc;
}
