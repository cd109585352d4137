#include "common/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 character at `text`, and its code point; 0: it is none. */
static size_t read_character(const unsigned char *text, uint32_t *code)
{
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t n = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3
                   : text[0] >> 3 == 30 ? 4 : 0;

        if (n == 0)
                return 0;
        *code = n == 1 ? text[0] : text[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
                if (text[i] >> 6 != 2)
                        return 0;
                *code = *code << 6 | (text[i] & 0x3fu);
        }
        return *code < smallest[n] || *code > 0x10ffff || *code >> 11 == 0x1b ? 0 : n;
}

/* C0, DEL, C1, line separators, and marks of direction (Unicode's Bidi_Control). */
static bool is_control(uint32_t code)
{
        return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
               code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
               (code >= 0x2066 && code <= 0x2069);
}

void hap_printable(const char *text, char *out, size_t size)
{
        const unsigned char *at = (const unsigned char *)text;
        size_t used = 0;

        while (*at) {
                char escaped[16];
                uint32_t code = 0;
                size_t n = read_character(at, &code);
                bool plain = n > 0 && !is_control(code);
                int length = plain ? (int)n
                             : code < 0x80 || n == 0
                                     ? snprintf(escaped, sizeof escaped, "\\x%02x", *at)
                                     : snprintf(escaped, sizeof escaped, "\\u%04x", code);

                if (used + (size_t)length >= size)
                        break;
                memcpy(out + used, plain ? (const char *)at : escaped, (size_t)length);
                used += (size_t)length;
                at += n ? n : 1;
        }
        out[used] = '\0';
}
