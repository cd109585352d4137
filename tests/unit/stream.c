#include <zlib.h>

#include "common/scan.h"
#include "stream_bytes.h"

/* Where the records of python_scores begin, and its trailer. */
enum { RECORD_1 = 18, RECORD_2 = 49, TRAILER = 73 };

/* A section of kind "scores" whose one record is `record`, with a good trailer. */
static struct bytes section_of(const void *record, size_t n)
{
        static const unsigned char trailer[] =
                "\x83\xa3" "end" "\xa6" "scores" "\xa7" "records" "\x01" "\xa5" "crc32" "\xce";
        struct bytes b = {.n = 0};
        uLong crc;

        add(&b, python_scores, RECORD_1);
        add(&b, record, n);
        crc = crc32(0, b.at, (uInt)b.n);
        add(&b, trailer, sizeof(trailer) - 1);
        for (int shift = 24; shift >= 0; shift -= 8)
                b.at[b.n++] = (unsigned char)(crc >> shift);
        return b;
}

/* --- reading --- */

TEST("a stream made by Python's msgpack is read")
{
        struct hap_stream_in *stream;
        struct hap_tensor tensor;
        msgpack_object record;
        json_t *header;
        float values[6];

        CHECK(hap_stream_in_open_memory(&stream, "in", python_cache, sizeof(python_cache), &err) == 0);
        CHECK(hap_stream_in_section(stream, &header, &err) == 1);
        CHECK_TEXT(json_string_value(json_object_get(header, "kind")), "cache");
        CHECK(hap_stream_in_record(stream, &record, &err) == 1);
        CHECK(hap_stream_in_record_number(stream) == 1);
        CHECK(hap_tensor_of(hap_map_get(&record, "t"), &tensor, &err) == 0);
        CHECK(tensor.dtype == HAP_F32 && tensor.n_dims == 2 && tensor.shape[0] == 2 &&
              tensor.shape[1] == 3 && tensor.n == 6);
        hap_tensor_read(&tensor, 0, 6, values);
        for (int i = 0; i < 6; i++)
                CHECK_NEAR(values[i], i, 0);
        hap_tensor_read(&tensor, 4, 1, values);
        CHECK_NEAR(values[0], 4, 0);
        CHECK(hap_stream_in_record(stream, &record, &err) == 0);
        CHECK(hap_stream_in_record(stream, &record, &err) == 0);
        CHECK(hap_stream_in_section(stream, &header, &err) == 0);
        hap_stream_in_close(stream);
}

TEST("empty texts and keys are texts and keys")
{
        static const char header[] = "\x84\xa3hap\x01\xa4kind\xa6scores\xa0\x05\xa1" "e\xa0";
        struct hap_stream_in *stream;
        json_t *json;

        CHECK(hap_stream_in_open_memory(&stream, "in", header, sizeof(header) - 1, &err) == 0);
        CHECK(hap_stream_in_section(stream, &json, &err) == 1);
        CHECK(json_integer_value(json_object_get(json, "")) == 5);
        CHECK_TEXT(json_string_value(json_object_get(json, "e")), "");
        hap_stream_in_close(stream);
}

TEST("two sections in a row are a stream, and so is an empty file")
{
        struct bytes both = {.n = 0};

        add(&both, python_scores, sizeof(python_scores));
        add(&both, python_cache, sizeof(python_cache));
        CHECK(read_all(both.at, both.n) == 3);
        CHECK(read_all(both.at, 0) == 0);
}

TEST("a section that is not read to its end is checked all the same")
{
        struct bytes both = {.n = 0};
        struct hap_stream_in *stream;
        json_t *header;

        add(&both, python_scores, sizeof(python_scores));
        add(&both, python_cache, sizeof(python_cache));
        both.at[RECORD_2 + 20] ^= 1;
        hap_stream_in_open_memory(&stream, "in", both.at, both.n, &err);
        CHECK(hap_stream_in_section(stream, &header, &err) == 1);
        CHECK(hap_stream_in_section(stream, &header, &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "damaged") != NULL);
        hap_stream_in_close(stream);
}

TEST("a stream cut at any byte is refused")
{
        for (size_t n = 1; n < sizeof(python_scores); n++) {
                CHECK(read_all(python_scores, n) == HAP_EINPUT);
                CHECK(strstr(err.message, "truncated") != NULL);
        }
        read_all(python_scores, RECORD_1 - 1);
        CHECK_TEXT(err.message, "cannot read 'in': truncated in the header of section 1");
        read_all(python_scores, RECORD_1);
        CHECK_TEXT(err.message, "cannot read 'in': truncated after the header of section 1");
        read_all(python_scores, RECORD_2 + 3);
        CHECK_TEXT(err.message, "cannot read 'in': truncated after record 1");
        read_all(python_scores, TRAILER);
        CHECK_TEXT(err.message, "cannot read 'in': truncated after record 2");
}

TEST("a truncated section is not completed by the next one")
{
        struct bytes both = {.n = 0};

        add(&both, python_scores, RECORD_2);
        add(&both, python_cache, sizeof(python_cache));
        CHECK(read_all(both.at, both.n) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': truncated after record 1");
}

TEST("no bit of a section can be flipped unnoticed")
{
        for (size_t bit = 0; bit < 8 * sizeof(python_cache); bit++) {
                unsigned char flipped[sizeof(python_cache)];

                memcpy(flipped, python_cache, sizeof(flipped));
                flipped[bit / 8] ^= (unsigned char)(1U << bit % 8);
                CHECK(read_all(flipped, sizeof(flipped)) == HAP_EINPUT);
        }
}

TEST("a wrong trailer is refused with a message that says why")
{
        struct bytes b = section_of("\x80", 1);

        CHECK(read_all(b.at, b.n) == 1);
        b.at[b.n - 12] = 2; /* records */
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': section 1 has 1 records; its trailer says 2");
        b.at[b.n - 12] = 1;
        b.at[b.n - 1] ^= 1;
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK(strstr(err.message, "cannot read 'in': damaged: section 1 has crc32 ") != NULL);
        b.at[b.n - 1] ^= 1;
        b.at[RECORD_1 + 1 + 6 + 1] = 'S'; /* "end": "Scores" */
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': the trailer of section 1 does not end kind 'scores'");
}

TEST("a file that is not a hap stream is refused as such")
{
        CHECK(read_all("{\"a\": 1}\n", 9) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': not a hap stream");
        CHECK(read_all("\x81\xa1" "a" "\x01", 4) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': not a hap stream");
}

/* Reads a header only, for refusals at the header. */
static const char *refusal(const char *header, size_t n)
{
        CHECK(read_all(header, n) == HAP_EINPUT);
        return err.message;
}

TEST("another version, kind or requirement is refused")
{
        CHECK_TEXT(refusal("\x82\xa3hap\x02\xa4kind\xa6scores", 18),
                   "cannot read 'in': section 1 has version 2; this program reads version 1");
        CHECK_TEXT(refusal("\x82\xa3hap\x01\xa4kind\xa6SCORES", 18),
                   "cannot read 'in': section 1 has unknown kind 'SCORES'");
        CHECK_TEXT(refusal("\x81\xa3hap\x01", 6), "cannot read 'in': section 1 has unknown kind ''");
        CHECK_TEXT(refusal("\x83\xa3hap\x01\xa4kind\xa6scores\xa8requires\x91\xa4" "4dim", 33),
                   "cannot read 'in': section 1 requires '4dim', which this version does not support");
        CHECK_TEXT(refusal("\x83\xa3hap\x01\xa4kind\xa6scores\xa8requires\x01", 28),
                   "cannot read 'in': \"requires\" of section 1 is not a list");
}

/* --- limits --- */

static const struct hap_limits small = {
        .record_bytes = 64, .elements = 10, .text_bytes = 16, .depth = 4};

/* The code of scanning these bytes. */
static int scanned(const void *bytes, size_t n, const struct hap_limits *limits)
{
        struct hap_byte_input input;
        size_t length;
        int rc;

        CHECK(hap_byte_input_memory(&input, "in", bytes, n, &err) == 0);
        rc = hap_scan(&input, limits, &length, &err);
        hap_byte_input_close(&input);
        return rc;
}

static const char *limited(const void *record, size_t n)
{
        CHECK(scanned(record, n, &small) == HAP_SCAN_REFUSED);
        return err.message;
}

static const char *refused_record(const void *record, size_t n)
{
        struct bytes b = section_of(record, n);

        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        return err.message;
}

TEST("every limit is checked, and its message names it")
{
        CHECK_TEXT(limited("\x81\xa1" "b\xc6\x00\xff\xff\xff", 8), /* only the length is there */
                   "a record of 16777223 bytes exceeds the limit of 64");
        CHECK_TEXT(limited("\x81\xa1" "t\xd9\x11" "01234567890123456", 22),
                   "text of 17 bytes exceeds the limit of 16");
        CHECK_TEXT(limited("\x81\xa1" "a\xdc\x00\x0b", 6),
                   "an array of 11 elements exceeds the limit of 10");
        CHECK_TEXT(limited("\xde\x00\x0b", 3),
                   "a map of 11 elements exceeds the limit of 10");
        CHECK_TEXT(limited("\x82\xa1" "a\x98\0\0\0\0\0\0\0\0\xa1" "b\x91\x00", 16),
                   "a record of 11 elements exceeds the limit of 10");
        CHECK_TEXT(limited("\x81\xa1" "a\x91\x91\x91\x91\x00", 8),
                   "nesting of 5 levels exceeds the limit of 4");
}

TEST("values just within the limits are read")
{
        static const char *const fits[] = {"\x81\xa1" "a\x91\x91\x91\x01", "\x81\xa1" "t\xb0" "0123456789012345",
                                           "\x81\xa1" "a\x99\1\1\1\1\1\1\1\1\1"};

        for (size_t i = 0; i < 3; i++)
                CHECK(scanned(fits[i], strlen(fits[i]), &small) == 1);
}

TEST("the deepest nesting that is allowed is also decoded")
{
        struct bytes record = {.n = 0}, b;

        add(&record, "\x81\xa1" "a", 3);
        for (int i = 0; i < 31; i++)
                add(&record, "\x91", 1);
        add(&record, "\x01", 1);
        b = section_of(record.at, record.n);
        CHECK(read_all(b.at, b.n) == 1);
        record.at[record.n - 1] = 0x91;
        add(&record, "\x01", 1);
        b = section_of(record.at, record.n);
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK(strstr(err.message, "nesting of 33 levels exceeds the limit of 32") != NULL);
}

/* The decoder would reserve 4 Gi elements for the first of these. */
TEST("a few bytes that announce gigabytes are refused before memory is taken")
{
        CHECK_TEXT(refusal("\xdf\xff\xff\xff\xff", 5),
                   "cannot read 'in': header of section 1: a map of 4294967295 elements exceeds the limit of 16777216");
        CHECK_TEXT(refusal("\x81\xdd\xff\xff\xff\xff", 6),
                   "cannot read 'in': header of section 1: an array of 4294967295 elements exceeds the limit of 16777216");
        CHECK_TEXT(refusal("\x81\xdb\xff\xff\xff\xff", 6),
                   "cannot read 'in': header of section 1: text of 4294967295 bytes exceeds the limit of 1048576");
        CHECK_TEXT(refusal("\x81\xc6\xff\xff\xff\xff", 6),
                   "cannot read 'in': header of section 1: a record of 4294967301 bytes exceeds the limit of 1073741824");
}

TEST("a value that is not a map has a code of its own, whatever the message")
{
        CHECK(scanned("\x93\x01\x02\x03", 4, &hap_limits_default) == HAP_SCAN_NOT_A_MAP);
        CHECK(scanned("text", 4, &hap_limits_default) == HAP_SCAN_NOT_A_MAP);
        CHECK(scanned("\x81\xa1" "a\xc1", 4, &hap_limits_default) == HAP_SCAN_REFUSED);
        CHECK(scanned("\x81\xa1" "a", 3, &hap_limits_default) == 0);
        CHECK(scanned("\x80", 1, &hap_limits_default) == 1);
}

TEST("bytes that are not msgpack, or not a map, are refused")
{
        CHECK_TEXT(refused_record("\x81\xa1" "a\xc1", 4), "cannot read 'in': record 1: byte 0xc1 is not valid msgpack");
        CHECK_TEXT(refused_record("\x93\x01\x02\x03", 4), "cannot read 'in': record 1: not a map");
}

RUN_TESTS
