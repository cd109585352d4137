#include "common/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hap_base64_encode(const void *data, size_t n, char *text)
{
        const unsigned char *p = data;
        size_t i = 0;

        for (; i + 3 <= n; i += 3, text += 4) {
                uint32_t word = (uint32_t)(p[i] << 16 | p[i + 1] << 8 | p[i + 2]);

                text[0] = digits[word >> 18];
                text[1] = digits[word >> 12 & 63];
                text[2] = digits[word >> 6 & 63];
                text[3] = digits[word & 63];
        }
        if (i < n) {
                uint32_t word = (uint32_t)(p[i] << 16 | (i + 1 < n ? p[i + 1] << 8 : 0));

                text[0] = digits[word >> 18];
                text[1] = digits[word >> 12 & 63];
                text[2] = i + 1 < n ? digits[word >> 6 & 63] : '=';
                text[3] = '=';
        }
}

/* The value of every digit; 64 for any other character. */
static void fill_values(unsigned char values[256])
{
        memset(values, 64, 256);
        for (int i = 0; i < 64; i++)
                values[(unsigned char)digits[i]] = (unsigned char)i;
}

long long hap_base64_decode(const char *text, size_t length, void *data)
{
        const unsigned char *t = (const unsigned char *)text;
        unsigned char values[256], *out = data;
        size_t padding = 0;

        if (length % 4)
                return -1;
        fill_values(values);
        if (length)
                padding = (size_t)(t[length - 1] == '=') +
                          (size_t)(t[length - 1] == '=' && t[length - 2] == '=');
        for (size_t i = 0; i < length; i += 4) {
                bool last = i + 4 == length;
                unsigned v[4], bad = 0;
                uint32_t word;

                for (size_t k = 0; k < 4; k++) {
                        v[k] = last && k >= 4 - padding ? 0 : values[t[i + k]];
                        bad |= v[k] & 64;
                }
                word = v[0] << 18 | v[1] << 12 | v[2] << 6 | v[3];
                /* the unused bits before the padding must be 0 */
                if (bad || (last && word & ((1U << (8 * padding)) - 1)))
                        return -1;
                *out++ = (unsigned char)(word >> 16);
                if (!last || padding < 2)
                        *out++ = (unsigned char)(word >> 8);
                if (!last || padding < 1)
                        *out++ = (unsigned char)word;
        }
        return (long long)(length / 4 * 3 - padding);
}
