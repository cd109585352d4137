#include "convert/json_pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/memory.h"
#include "common/scan.h"
#include "common/stream.h"

int hap_json_pack_into_buffer(void *buffer, const char *data, size_t n)
{
        int rc = msgpack_sbuffer_write(buffer, data, n);

        if (rc < 0)
                hap_memory_short();
        return rc;
}

static int fail_form(const char *name, const char *wanted, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "\"%.16s\" needs %s", name, wanted);
}

/* --- values that JSON cannot represent --- */

/* The bytes of a base64 text in *data, which the caller frees. */
static int decode_base64(const char *name, const json_t *text, void **data, size_t *n,
                         struct hap_error *err)
{
        long long length;

        *data = NULL;
        if (!json_is_string(text))
                return fail_form(name, "base64 text", err);
        *data = malloc(json_string_length(text) / 4 * 3 + 1);
        if (!*data)
                return hap_fail_memory(err, "base64 data");
        length = hap_base64_decode(json_string_value(text), json_string_length(text), *data);
        *n = (size_t)length;
        return length < 0 ? fail_form(name, "base64 text", err) : 0;
}

static int pack_bytes(msgpack_packer *packer, const char *name, const json_t *value,
                      struct hap_error *err)
{
        void *data;
        size_t n = 0;
        int rc = decode_base64(name, value, &data, &n, err);

        if (rc == 0 && strcmp(name, "$bin") == 0)
                msgpack_pack_bin_with_body(packer, data, n);
        else if (rc == 0)
                msgpack_pack_str_with_body(packer, data, n);
        free(data);
        return rc;
}

static int pack_ext(msgpack_packer *packer, const char *name, const json_t *value,
                    struct hap_error *err)
{
        json_int_t type = json_integer_value(json_array_get(value, 0));
        void *data;
        size_t n = 0;
        int rc;

        if (json_array_size(value) != 2 || type < -128 || type > 127)
                return fail_form(name, "a type from -128 to 127 and base64 text", err);
        rc = decode_base64(name, json_array_get(value, 1), &data, &n, err);
        if (rc == 0)
                msgpack_pack_ext_with_body(packer, data, n, (int8_t)type);
        free(data);
        return rc;
}

/* The whole number that `text` is in `base`. */
static int parse_bits(const char *name, const json_t *text, int base, uint64_t *bits,
                      struct hap_error *err)
{
        const char *digits = json_string_value(text);
        char *end = NULL;

        errno = 0;
        if (digits && strchr("0123456789abcdef", digits[0]))
                *bits = strtoull(digits, &end, base);
        return end && end != digits && !*end && !errno ? 0 : fail_form(name, "digits", err);
}

static int pack_number(msgpack_packer *packer, const char *name, const json_t *value,
                       struct hap_error *err)
{
        bool single = strcmp(name, "$f32") == 0;
        uint64_t bits = 0;
        uint32_t low;
        double number;
        float real;
        int rc;

        if (single && json_is_number(value))
                return msgpack_pack_float(packer, (float)json_number_value(value));
        rc = parse_bits(name, value, strcmp(name, "$uint") == 0 ? 10 : 16, &bits, err);
        low = (uint32_t)bits;
        memcpy(&real, &low, sizeof(real));
        memcpy(&number, &bits, sizeof(number));
        if (rc < 0)
                return rc;
        if (single)
                return msgpack_pack_float(packer, real);
        return strcmp(name, "$f64") == 0 ? msgpack_pack_double(packer, number)
                                         : msgpack_pack_uint64(packer, bits);
}

static int pack_pairs(msgpack_packer *packer, const char *name, const json_t *value,
                      struct hap_error *err)
{
        const json_t *pair;
        size_t i;
        int rc = 0;

        if (!json_is_array(value))
                return fail_form(name, "a list of pairs", err);
        msgpack_pack_map(packer, json_array_size(value));
        json_array_foreach((json_t *)value, i, pair) {
                if (rc == 0 && json_array_size(pair) != 2)
                        rc = fail_form(name, "a list of pairs", err);
                if (rc == 0)
                        rc = hap_json_pack(packer, json_array_get(pair, 0), err);
                if (rc == 0)
                        rc = hap_json_pack(packer, json_array_get(pair, 1), err);
        }
        return rc;
}

/* --- encodings longer than necessary --- */

static void pack_big_endian(msgpack_packer *packer, uint64_t value, unsigned n)
{
        unsigned char bytes[8];

        for (unsigned i = 0; i < n; i++)
                bytes[i] = (unsigned char)(value >> (8 * (n - 1 - i)));
        msgpack_pack_bin_body(packer, bytes, n);
}

/* How many bytes of a number or length follow the lead byte; may be 0. */
static unsigned field_bytes(unsigned lead)
{
        if (lead >= 0xc4 && lead <= 0xc9)
                return 1U << ((lead - 0xc4) % 3);
        if (lead >= 0xcc && lead <= 0xd3)
                return 1U << ((lead - 0xcc) % 4);
        if (lead >= 0xd9 && lead <= 0xdb)
                return 1U << (lead - 0xd9);
        return lead >= 0xdc && lead <= 0xdf ? 2U << ((lead - 0xdc) % 2) : 0;
}

/* Length and content offset of a value in its shortest encoding; the length of
 * a number is the number. */
static uint64_t short_field(const unsigned char *p, size_t *content)
{
        unsigned bytes = field_bytes(p[0]);
        uint64_t field = 0;

        *content = 1 + bytes;
        for (unsigned i = 0; i < bytes; i++)
                field = field << 8 | p[1 + i];
        if (bytes && p[0] >= 0xd0 && p[0] <= 0xd3) {
                unsigned shift = 64 - 8 * bytes;

                return (uint64_t)((int64_t)(field << shift) >> shift);
        }
        if (bytes)
                return field;
        if (p[0] >= 0xd4 && p[0] <= 0xd8)
                return UINT64_C(1) << (p[0] - 0xd4);
        if (p[0] >= 0xe0)
                return (uint64_t)(signed char)p[0];
        return p[0] <= 0x7f ? p[0] : p[0] <= 0x9f ? p[0] & 15 : p[0] & 31;
}

/* The type that a lead byte begins, as a letter; 0 for types with one encoding. */
static char type_of_lead(unsigned lead)
{
        if (lead <= 0x7f || lead >= 0xe0 || (lead >= 0xcc && lead <= 0xd3))
                return 'n';
        if (lead <= 0x8f || lead == 0xde || lead == 0xdf)
                return 'm';
        if (lead <= 0x9f || lead == 0xdc || lead == 0xdd)
                return 'a';
        if (lead <= 0xbf || (lead >= 0xd9 && lead <= 0xdb))
                return 's';
        if (lead >= 0xc4 && lead <= 0xc6)
                return 'b';
        return (lead >= 0xc7 && lead <= 0xc9) || (lead >= 0xd4 && lead <= 0xd8) ? 'e' : 0;
}

static int pack_longer(msgpack_packer *packer, const char *name, const json_t *value,
                       struct hap_error *err)
{
        msgpack_sbuffer buffer;
        msgpack_packer inner;
        uint64_t lead = 0, field;
        size_t content;
        int rc = parse_bits(name, json_array_get(value, 0), 16, &lead, err);

        if (rc < 0 || json_array_size(value) != 2)
                return fail_form(name, "a lead byte and a value", err);
        msgpack_sbuffer_init(&buffer);
        msgpack_packer_init(&inner, &buffer, hap_json_pack_into_buffer);
        rc = hap_json_pack(&inner, json_array_get(value, 1), err);
        if (rc == 0 &&
            (lead > 0xff || !field_bytes((unsigned)lead) || !buffer.size ||
             type_of_lead((unsigned)lead) != type_of_lead((unsigned char)buffer.data[0])))
                rc = fail_form(name, "a lead byte that fits its value", err);
        if (rc == 0) {
                unsigned char byte = (unsigned char)lead;

                field = short_field((unsigned char *)buffer.data, &content);
                msgpack_pack_bin_body(packer, &byte, 1);
                pack_big_endian(packer, field, field_bytes((unsigned)lead));
                msgpack_pack_bin_body(packer, buffer.data + content, buffer.size - content);
        }
        msgpack_sbuffer_destroy(&buffer);
        return rc;
}

/* --- any value --- */

static int pack_escaped(msgpack_packer *packer, const char *name, const json_t *value,
                        struct hap_error *err)
{
        static const struct {
                const char *name;
                int (*pack)(msgpack_packer *, const char *, const json_t *, struct hap_error *);
        } forms[] = {
                {"$bin", pack_bytes}, {"$str", pack_bytes}, {"$ext", pack_ext},
                {"$f32", pack_number}, {"$f64", pack_number}, {"$uint", pack_number},
                {"$map", pack_pairs}, {"$as", pack_longer},
        };

        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
                if (strcmp(name, forms[i].name) == 0)
                        return forms[i].pack(packer, name, value, err);
        return hap_fail(err, HAP_EINPUT, "\"%.16s\" is not one of the forms of hap-convert(1)",
                        name);
}

static int pack_object(msgpack_packer *packer, const json_t *object, struct hap_error *err)
{
        const char *key;
        json_t *value;
        int rc = 0;

        key = json_object_iter_key(json_object_iter((json_t *)object));
        if (json_object_size(object) == 1 && key[0] == '$')
                return pack_escaped(packer, key, json_object_get(object, key), err);
        msgpack_pack_map(packer, json_object_size(object));
        json_object_foreach((json_t *)object, key, value) {
                if (rc < 0)
                        break;
                hap_pack_text(packer, key);
                rc = hap_json_pack(packer, value, err);
        }
        return rc;
}

int hap_json_pack(msgpack_packer *packer, const json_t *value, struct hap_error *err)
{
        const json_t *item;
        size_t i;
        int rc = 0;

        if (json_is_object(value))
                return pack_object(packer, value, err);
        if (!json_is_array(value)) {
                hap_pack_json(packer, value);
                return 0;
        }
        msgpack_pack_array(packer, json_array_size(value));
        json_array_foreach((json_t *)value, i, item) {
                if (rc == 0)
                        rc = hap_json_pack(packer, item, err);
        }
        return rc;
}
