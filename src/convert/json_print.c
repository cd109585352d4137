#include "convert/json_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/memory.h"
#include "common/number.h"

/* Maps with more keys are not searched for duplicate keys. */
#define PLAIN_KEYS 4096

/* The parts of one value. */
struct value {
        unsigned char lead;
        const unsigned char *content; /* after the lead byte and the length */
        uint64_t n; /* bytes of str, bin, ext; elements of array and map; else the bits */
        bool shortest; /* encoded in the fewest bytes */
};

static const unsigned char *print_value(const unsigned char *at, FILE *out);

static uint64_t big_endian(const unsigned char *at, unsigned n)
{
        uint64_t value = 0;

        for (unsigned i = 0; i < n; i++)
                value = value << 8 | at[i];
        return value;
}

/* Whether a length is too large for the encoding one shorter than `bytes`;
 * `fixed` is the largest length that fits the lead byte. */
static bool length_shortest(uint64_t n, unsigned bytes, uint64_t fixed, bool has_8)
{
        if (bytes == 1)
                return n > fixed;
        if (bytes == 2)
                return n > (has_8 ? UINT8_MAX : fixed);
        return n > UINT16_MAX;
}

static bool is_ext_fixed(uint64_t n)
{
        return n == 1 || n == 2 || n == 4 || n == 8 || n == 16;
}

/* Values whose lead byte says all but the length or the number. */
static void open_long(struct value *v)
{
        unsigned char lead = v->lead;
        unsigned bytes = 0;

        if (lead >= 0xc4 && lead <= 0xc9) /* bin, ext */
                bytes = 1U << ((lead - 0xc4) % 3);
        else if (lead >= 0xcc && lead <= 0xd3) /* unsigned, signed */
                bytes = 1U << ((lead - 0xcc) % 4);
        else if (lead >= 0xd9 && lead <= 0xdb) /* str */
                bytes = 1U << (lead - 0xd9);
        else if (lead >= 0xdc) /* array, map */
                bytes = 2U << ((lead - 0xdc) % 2);
        else if (lead == 0xca || lead == 0xcb) /* float */
                bytes = lead == 0xca ? 4 : 8;
        if (lead >= 0xd4 && lead <= 0xd8)
                v->n = UINT64_C(1) << (lead - 0xd4);
        else
                v->n = big_endian(v->content, bytes);
        v->content += bytes;
        if (lead >= 0xc4 && lead <= 0xc6)
                v->shortest = bytes == 1 || length_shortest(v->n, bytes, 0, true);
        else if (lead >= 0xc7 && lead <= 0xc9)
                v->shortest = !is_ext_fixed(v->n) &&
                              (bytes == 1 || length_shortest(v->n, bytes, 0, true));
        else if (lead >= 0xd9 && lead <= 0xdb)
                v->shortest = length_shortest(v->n, bytes, 31, true);
        else if (lead >= 0xdc)
                v->shortest = length_shortest(v->n, bytes, 15, false);
}

/* The number of a signed encoding, and whether it is the shortest. */
static int64_t signed_number(struct value *v)
{
        unsigned shift = 64 - (8U << (v->lead - 0xd0));
        int64_t number = (int64_t)(v->n << shift) >> shift;
        int64_t below = v->lead == 0xd0 ? -32 : v->lead == 0xd1 ? INT8_MIN
                      : v->lead == 0xd2 ? INT16_MIN : INT32_MIN;

        v->shortest = number < below;
        return number;
}

static bool unsigned_shortest(const struct value *v)
{
        return v->n > (v->lead == 0xcc ? 0x7f : v->lead == 0xcd ? UINT8_MAX
                       : v->lead == 0xce ? UINT16_MAX : UINT32_MAX);
}

static struct value open_value(const unsigned char *at)
{
        struct value v = {.lead = at[0], .content = at + 1, .shortest = true};

        if (v.lead <= 0x7f || v.lead >= 0xe0)
                v.n = v.lead;
        else if (v.lead <= 0x9f)
                v.n = v.lead & 15;
        else if (v.lead <= 0xbf)
                v.n = v.lead & 31;
        else if (v.lead > 0xc3)
                open_long(&v);
        return v;
}

static bool is_str(const struct value *v)
{
        return (v->lead >= 0xa0 && v->lead <= 0xbf) || (v->lead >= 0xd9 && v->lead <= 0xdb);
}

static bool is_map(const struct value *v)
{
        return (v->lead & 0xf0) == 0x80 || v->lead == 0xde || v->lead == 0xdf;
}

static bool is_array(const struct value *v)
{
        return (v->lead & 0xf0) == 0x90 || v->lead == 0xdc || v->lead == 0xdd;
}

/* --- text --- */

/* UTF-8 as RFC 3629 has it: no surrogates, nothing overlong. */
static bool is_utf8(const unsigned char *p, uint64_t n)
{
        for (uint64_t i = 0; i < n;) {
                unsigned char c = p[i];
                unsigned more = c < 0x80 ? 0
                              : c >= 0xc2 && c <= 0xdf ? 1
                              : c >= 0xe0 && c <= 0xef ? 2
                              : c >= 0xf0 && c <= 0xf4 ? 3 : 4;

                if (more == 4 || n - i <= more)
                        return false;
                for (unsigned k = 1; k <= more; k++)
                        if ((p[i + k] & 0xc0) != 0x80)
                                return false;
                if ((c == 0xe0 && p[i + 1] < 0xa0) || (c == 0xed && p[i + 1] > 0x9f) ||
                    (c == 0xf0 && p[i + 1] < 0x90) || (c == 0xf4 && p[i + 1] > 0x8f))
                        return false;
                i += more + 1;
        }
        return true;
}

static void print_text(const unsigned char *text, uint64_t n, FILE *out)
{
        putc_unlocked('"', out);
        for (uint64_t i = 0; i < n; i++) {
                unsigned char c = text[i];

                if (c == '"' || c == '\\')
                        fprintf(out, "\\%c", c);
                else if (c == '\n')
                        fputs("\\n", out);
                else if (c == '\t')
                        fputs("\\t", out);
                else if (c < 0x20 || c == 0x7f)
                        fprintf(out, "\\u%04x", c);
                else
                        putc_unlocked(c, out);
        }
        putc_unlocked('"', out);
}

static void print_base64(const unsigned char *data, uint64_t n, FILE *out)
{
        char text[4096];

        putc_unlocked('"', out);
        while (n) {
                size_t here = n < 3072 ? (size_t)n : 3072;

                hap_base64_encode(data, here, text);
                fwrite(text, 1, hap_base64_length(here), out);
                data += here;
                n -= here;
        }
        putc_unlocked('"', out);
}

/* --- numbers --- */

static void print_digits(double number, bool single, FILE *out)
{
        char text[HAP_DIGITS];

        hap_shortest_digits(number, single, text);
        fputs(text, out);
        if (!strpbrk(text, ".e"))
                fputs(".0", out); /* or it would be read as a whole number */
}

static void print_float(const struct value *v, FILE *out)
{
        uint32_t bits = (uint32_t)v->n;
        double number;
        float single;

        memcpy(&single, &bits, sizeof(single));
        memcpy(&number, &v->n, sizeof(number));
        if (v->lead == 0xca) {
                fputs("{\"$f32\":", out);
                if (isfinite(single))
                        print_digits((double)single, true, out);
                else
                        fprintf(out, "\"%08" PRIx32 "\"", bits);
                putc_unlocked('}', out);
        } else if (isfinite(number)) {
                print_digits(number, false, out);
        } else {
                fprintf(out, "{\"$f64\":\"%016" PRIx64 "\"}", v->n);
        }
}

static void print_unsigned(uint64_t n, FILE *out)
{
        /* JSON readers take at most 63 bits */
        fprintf(out, n <= INT64_MAX ? "%" PRIu64 : "{\"$uint\":\"%" PRIu64 "\"}", n);
}

/* --- arrays and maps --- */

/* The end of the value. For keys only, which are texts. */
static const unsigned char *skip_text(const unsigned char *at)
{
        struct value v = open_value(at);

        return v.content + v.n;
}

static const unsigned char *skip_value(const unsigned char *at);

static const unsigned char *skip_items(const unsigned char *at, uint64_t n)
{
        while (n--)
                at = skip_value(at);
        return at;
}

static const unsigned char *skip_value(const unsigned char *at)
{
        struct value v = open_value(at);

        if (is_map(&v))
                return skip_items(v.content, 2 * v.n);
        if (is_array(&v))
                return skip_items(v.content, v.n);
        if (is_str(&v) || (v.lead >= 0xc4 && v.lead <= 0xc6))
                return v.content + v.n;
        if ((v.lead >= 0xc7 && v.lead <= 0xc9) || (v.lead >= 0xd4 && v.lead <= 0xd8))
                return v.content + v.n + 1;
        return v.content;
}

static bool same_text(const unsigned char *a, const unsigned char *b)
{
        struct value x = open_value(a), y = open_value(b);

        return x.n == y.n && memcmp(x.content, y.content, x.n) == 0;
}

/* Whether this map can be a JSON object that reads back the same. */
static bool is_plain_map(const struct value *map)
{
        const unsigned char **keys, *at = map->content;
        bool plain = map->n <= PLAIN_KEYS;
        uint64_t n = 0;

        keys = plain ? malloc((map->n + 1) * sizeof(*keys)) : NULL;
        if (plain && !keys)
                hap_memory_short();
        if (!keys)
                return false;
        for (; plain && n < map->n; n++) {
                struct value key = open_value(at);

                plain = is_str(&key) && key.shortest && is_utf8(key.content, key.n) &&
                        !memchr(key.content, 0, key.n) &&
                        !(map->n == 1 && key.n && key.content[0] == '$');
                for (uint64_t i = 0; plain && i < n; i++)
                        plain = !same_text(keys[i], at);
                keys[n] = at;
                if (plain)
                        at = skip_value(skip_text(at));
        }
        free(keys);
        return plain;
}

static const unsigned char *print_map(const struct value *map, FILE *out)
{
        bool plain = is_plain_map(map);
        const unsigned char *at = map->content;

        fputs(plain ? "{" : "{\"$map\":[", out);
        for (uint64_t i = 0; i < map->n; i++) {
                fputs(i ? plain ? "," : ",[" : plain ? "" : "[", out);
                at = print_value(at, out);
                putc_unlocked(plain ? ':' : ',', out);
                at = print_value(at, out);
                if (!plain)
                        putc_unlocked(']', out);
        }
        fputs(plain ? "}" : "]}", out);
        return at;
}

static const unsigned char *print_array(const struct value *array, FILE *out)
{
        const unsigned char *at = array->content;

        putc_unlocked('[', out);
        for (uint64_t i = 0; i < array->n; i++) {
                if (i)
                        putc_unlocked(',', out);
                at = print_value(at, out);
        }
        putc_unlocked(']', out);
        return at;
}

/* --- any value --- */

static void print_data(const struct value *v, const char *name, FILE *out)
{
        fprintf(out, "{\"$%s\":", name);
        print_base64(v->content, v->n, out);
        putc_unlocked('}', out);
}

/* The value as if it were encoded in the fewest bytes. */
static const unsigned char *print_content(const struct value *v, int64_t number, FILE *out)
{
        if (is_map(v))
                return print_map(v, out);
        if (is_array(v))
                return print_array(v, out);
        if (is_str(v)) {
                if (is_utf8(v->content, v->n))
                        print_text(v->content, v->n, out);
                else
                        print_data(v, "str", out);
                return v->content + v->n;
        }
        if (v->lead >= 0xc4 && v->lead <= 0xc6) {
                print_data(v, "bin", out);
                return v->content + v->n;
        }
        if ((v->lead >= 0xc7 && v->lead <= 0xc9) || (v->lead >= 0xd4 && v->lead <= 0xd8)) {
                fprintf(out, "{\"$ext\":[%d,", (signed char)v->content[0]);
                print_base64(v->content + 1, v->n, out);
                fputs("]}", out);
                return v->content + v->n + 1;
        }
        if (v->lead == 0xca || v->lead == 0xcb)
                print_float(v, out);
        else if (v->lead == 0xc0)
                fputs("null", out);
        else if (v->lead == 0xc2 || v->lead == 0xc3)
                fputs(v->lead == 0xc3 ? "true" : "false", out);
        else if (v->lead >= 0xd0)
                fprintf(out, "%" PRId64, number);
        else
                print_unsigned(v->n, out);
        return v->content;
}

static const unsigned char *print_value(const unsigned char *at, FILE *out)
{
        struct value v = open_value(at);
        int64_t number = v.lead - 0x100; /* of a small negative one */

        if (v.lead >= 0xd0 && v.lead <= 0xd3)
                number = signed_number(&v);
        else if (v.lead >= 0xcc && v.lead <= 0xcf)
                v.shortest = unsigned_shortest(&v);
        if (!v.shortest)
                fprintf(out, "{\"$as\":[\"%02x\",", v.lead);
        at = print_content(&v, number, out);
        if (!v.shortest)
                fputs("]}", out);
        return at;
}

void hap_json_print(const void *bytes, FILE *out)
{
        print_value(bytes, out);
}
