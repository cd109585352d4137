/* Streams: reading them gives records or an error, and records converted to JSON and back are
 * unchanged. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include "common/byte_input.h"
#include "common/scan.h"
#include "common/stream.h"
#include "convert/json_pack.h"
#include "convert/json_print.h"
#include "target.h"

/* The JSON of one value, packed again, is the value. */
static void there_and_back(const void *bytes, size_t n)
{
        struct hap_error err;
        msgpack_sbuffer packed;
        msgpack_packer packer;
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        json_t *json;

        hap_json_print(bytes, out);
        fclose(out);
        json = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        msgpack_sbuffer_init(&packed);
        msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
        if (!json || hap_json_pack(&packer, json, &err) < 0 || packed.size != n ||
            memcmp(packed.data, bytes, n) != 0) {
                fprintf(stderr, "not the same again: %.*s\n", (int)length, text);
                abort();
        }
        msgpack_sbuffer_destroy(&packed);
        json_decref(json);
        free(text);
}

/* Reads every tensor of the record as far as it goes. */
static void look_at(const msgpack_object *record)
{
        struct hap_tensor tensor;
        struct hap_error err;
        float values[16];

        for (uint32_t i = 0; i < record->via.map.size; i++)
                if (hap_tensor_of(&record->via.map.ptr[i].val, &tensor, &err) == 0)
                        hap_tensor_read(&tensor, 0, tensor.n < 16 ? tensor.n : 16, values);
        json_decref(hap_json_of(record));
}

bool fuzz_stream(const uint8_t *data, size_t n)
{
        struct hap_stream_in *in;
        struct hap_error err;
        msgpack_object record;
        json_t *header;
        size_t length;
        const void *raw;
        int rc;

        if (!fuzz_done(hap_stream_in_open_memory(&in, "fuzz", data, n, &err), &err))
                return false;
        while ((rc = hap_stream_in_section(in, &header, &err)) == 1) {
                raw = hap_stream_in_raw(in, &length);
                there_and_back(raw, length);
                while ((rc = hap_stream_in_record(in, &record, &err)) == 1) {
                        raw = hap_stream_in_raw(in, &length);
                        there_and_back(raw, length);
                        look_at(&record);
                }
                if (rc < 0)
                        break;
        }
        hap_stream_in_close(in);
        return fuzz_done(rc, &err);
}

/* --- checksums --- */

/* Where the value of a trailer's key begins, after a lead byte with the given value; NULL: the
 * key has another kind of value. */
static uint8_t *value_at(uint8_t *trailer, size_t n, const char *key, size_t lead_bytes, uint8_t lead,
                         size_t bytes)
{
        const size_t length = strlen(key);
        uint8_t *at = memmem(trailer, n, key, length);

        if (!at || (size_t)(trailer + n - at) < length + lead_bytes + bytes ||
            at[length + lead_bytes - 1] != lead)
                return NULL;
        return at + length + lead_bytes;
}

static void seal_section(uint8_t *data, size_t first_record, size_t records_end, size_t n,
                         uint64_t records)
{
        uint8_t *trailer = data + records_end;
        uint8_t *crc = value_at(trailer, n, "crc32", 1, 0xce, 4);
        uint8_t *digest = value_at(trailer, n, "digest", 1, 0xb0, 16);
        uint8_t *count = memmem(trailer, n, "\xa7records", 8);
        const uint32_t sum = (uint32_t)crc32_z(0, data, records_end);
        char text[17];

        for (int i = 0; crc && i < 4; i++)
                crc[i] = (uint8_t)(sum >> (24 - 8 * i));
        snprintf(text, sizeof text, "%016llx",
                 (unsigned long long)XXH3_64bits(data + first_record, records_end - first_record));
        if (digest)
                memcpy(digest, text, 16);
        if (count && count + 8 < trailer + n && count[8] < 0x80 && records < 0x80)
                count[8] = (uint8_t)records;
}

/* Sections end at a map that begins with the key "end". */
void fuzz_seal_stream(uint8_t *data, size_t n)
{
        size_t begin = 0, first_record = 0, at = 0, next, length;
        uint64_t maps = 0; /* of the section */
        struct hap_byte_input values;
        struct hap_error error;

        if (hap_byte_input_memory(&values, "", data, n, &error) < 0)
                return;
        while (hap_scan(&values, &hap_limits_default, &length, &error) == 1) {
                const bool ends = n - at > 5 && memcmp(data + at + 1, "\xa3" "end", 4) == 0;

                next = at + length;
                hap_byte_input_skip(&values, length);

                if (ends && maps > 0)
                        seal_section(data + begin, first_record - begin, at - begin, next - at,
                                     maps - 1);
                if (!ends && maps == 0)
                        first_record = next;
                maps = ends ? 0 : maps + 1;
                begin = ends ? next : begin;
                at = next;
        }
        hap_byte_input_close(&values);
}
