#include "unit.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "common/stream.h"

static struct hap_error err;

/* Made with Python's msgpack and zlib.crc32: a section of kind "scores" with
 * the records {"edge": "input->m0", "score": .5}, {"edge": "m0->logits",
 * "score": -2}, and one of kind "cache" with a tensor of 0, 1 … 5. */
static const unsigned char python_scores[] = {
        0x82, 0xa3, 0x68, 0x61, 0x70, 0x01, 0xa4, 0x6b, 0x69, 0x6e, 0x64, 0xa6,
        0x73, 0x63, 0x6f, 0x72, 0x65, 0x73, 0x82, 0xa4, 0x65, 0x64, 0x67, 0x65,
        0xa9, 0x69, 0x6e, 0x70, 0x75, 0x74, 0x2d, 0x3e, 0x6d, 0x30, 0xa5, 0x73,
        0x63, 0x6f, 0x72, 0x65, 0xcb, 0x3f, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x82, 0xa4, 0x65, 0x64, 0x67, 0x65, 0xaa, 0x6d, 0x30, 0x2d, 0x3e,
        0x6c, 0x6f, 0x67, 0x69, 0x74, 0x73, 0xa5, 0x73, 0x63, 0x6f, 0x72, 0x65,
        0xfe, 0x83, 0xa3, 0x65, 0x6e, 0x64, 0xa6, 0x73, 0x63, 0x6f, 0x72, 0x65,
        0x73, 0xa7, 0x72, 0x65, 0x63, 0x6f, 0x72, 0x64, 0x73, 0x02, 0xa5, 0x63,
        0x72, 0x63, 0x33, 0x32, 0xce, 0x92, 0x57, 0x62, 0xa7,
};
static const unsigned char python_cache[] = {
        0x83, 0xa3, 0x68, 0x61, 0x70, 0x01, 0xa4, 0x6b, 0x69, 0x6e, 0x64, 0xa5,
        0x63, 0x61, 0x63, 0x68, 0x65, 0xa7, 0x68, 0x69, 0x73, 0x74, 0x6f, 0x72,
        0x79, 0x91, 0x83, 0xa4, 0x6e, 0x61, 0x6d, 0x65, 0xa1, 0x78, 0xa7, 0x76,
        0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0xa1, 0x31, 0xa9, 0x61, 0x72, 0x67,
        0x75, 0x6d, 0x65, 0x6e, 0x74, 0x73, 0x91, 0xa5, 0x2d, 0x2d, 0x61, 0x3d,
        0x31, 0x81, 0xa1, 0x74, 0x83, 0xa5, 0x64, 0x74, 0x79, 0x70, 0x65, 0xa3,
        0x66, 0x33, 0x32, 0xa5, 0x73, 0x68, 0x61, 0x70, 0x65, 0x92, 0x02, 0x03,
        0xa4, 0x64, 0x61, 0x74, 0x61, 0xc4, 0x18, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x40, 0x40, 0x00,
        0x00, 0x80, 0x40, 0x00, 0x00, 0xa0, 0x40, 0x83, 0xa3, 0x65, 0x6e, 0x64,
        0xa5, 0x63, 0x61, 0x63, 0x68, 0x65, 0xa7, 0x72, 0x65, 0x63, 0x6f, 0x72,
        0x64, 0x73, 0x01, 0xa5, 0x63, 0x72, 0x63, 0x33, 0x32, 0xce, 0xbd, 0xd8,
        0xa4, 0xae,
};
/* Where the records of python_scores begin, and its trailer. */
enum { RECORD_1 = 18, RECORD_2 = 49, TRAILER = 73 };

/* --- what the tests share --- */

/* Reads all there is: the number of records, or the code of the error. */
static int read_with(const void *data, size_t n, const struct hap_limits *limits)
{
        struct hap_reader *reader;
        msgpack_object record;
        json_t *header;
        int rc, records = 0;

        err.message[0] = '\0';
        if (hap_reader_open_memory(&reader, "in", data, n, &err) < 0)
                return HAP_ESYSTEM;
        if (limits)
                hap_reader_limit(reader, limits);
        while ((rc = hap_reader_section(reader, &header, &err)) == 1)
                while ((rc = hap_reader_record(reader, &record, &err)) == 1)
                        records++;
        hap_reader_close(reader);
        return rc < 0 ? rc : records;
}

static int read_all(const void *data, size_t n)
{
        return read_with(data, n, NULL);
}

struct bytes {
        unsigned char at[4096];
        size_t n;
};

static void add(struct bytes *b, const void *data, size_t n)
{
        memcpy(b->at + b->n, data, n);
        b->n += n;
}

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

/* The stream as the writer makes it, by way of a file that is gone at once. */
static struct bytes written(int (*write)(struct hap_writer *), bool gzip)
{
        struct bytes b = {.n = 0};
        char path[] = "/tmp/hap-unit-XXXXXX";
        struct hap_writer *writer;
        int fd = mkstemp(path);
        FILE *file;

        close(fd);
        CHECK(hap_writer_open(&writer, path, gzip, &err) == 0);
        CHECK(write(writer) == 0);
        CHECK(hap_writer_close(writer, &err) == 0);
        file = fopen(path, "rb");
        b.n = fread(b.at, 1, sizeof(b.at), file);
        fclose(file);
        unlink(path);
        return b;
}

/* --- reading --- */

TEST("a stream made by Python's msgpack is read")
{
        struct hap_reader *reader;
        struct hap_tensor tensor;
        msgpack_object record;
        json_t *header;
        float values[6];

        CHECK(hap_reader_open_memory(&reader, "in", python_cache, sizeof(python_cache), &err) == 0);
        CHECK(hap_reader_section(reader, &header, &err) == 1);
        CHECK_TEXT(json_string_value(json_object_get(header, "kind")), "cache");
        CHECK(hap_reader_record(reader, &record, &err) == 1);
        CHECK(hap_reader_record_number(reader) == 1);
        CHECK(hap_tensor_of(hap_map_get(&record, "t"), &tensor, &err) == 0);
        CHECK(tensor.dtype == HAP_F32 && tensor.n_dims == 2 && tensor.shape[0] == 2 &&
              tensor.shape[1] == 3 && tensor.n == 6);
        hap_tensor_read(&tensor, 0, 6, values);
        for (int i = 0; i < 6; i++)
                CHECK_NEAR(values[i], i, 0);
        hap_tensor_read(&tensor, 4, 1, values);
        CHECK_NEAR(values[0], 4, 0);
        CHECK(hap_reader_record(reader, &record, &err) == 0);
        CHECK(hap_reader_record(reader, &record, &err) == 0);
        CHECK(hap_reader_section(reader, &header, &err) == 0);
        hap_reader_close(reader);
}

TEST("empty texts and keys are texts and keys")
{
        static const char header[] = "\x84\xa3hap\x01\xa4kind\xa6scores\xa0\x05\xa1" "e\xa0";
        struct hap_reader *reader;
        json_t *json;

        CHECK(hap_reader_open_memory(&reader, "in", header, sizeof(header) - 1, &err) == 0);
        CHECK(hap_reader_section(reader, &json, &err) == 1);
        CHECK(json_integer_value(json_object_get(json, "")) == 5);
        CHECK_TEXT(json_string_value(json_object_get(json, "e")), "");
        hap_reader_close(reader);
}

TEST("two sections one behind the other are a stream, and so is nothing")
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
        struct hap_reader *reader;
        json_t *header;

        add(&both, python_scores, sizeof(python_scores));
        add(&both, python_cache, sizeof(python_cache));
        both.at[RECORD_2 + 20] ^= 1;
        hap_reader_open_memory(&reader, "in", both.at, both.n, &err);
        CHECK(hap_reader_section(reader, &header, &err) == 1);
        CHECK(hap_reader_section(reader, &header, &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "damaged") != NULL);
        hap_reader_close(reader);
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

TEST("a cut section is not mended by the one behind it")
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

TEST("a trailer that lies is refused, and the message says how")
{
        struct bytes b = section_of("\x80", 1);

        CHECK(read_all(b.at, b.n) == 1);
        b.at[b.n - 12] = 2; /* records */
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': section 1 has 1 records, its trailer says 2");
        b.at[b.n - 12] = 1;
        b.at[b.n - 1] ^= 1;
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK(strstr(err.message, "cannot read 'in': damaged: section 1 has crc32 ") != NULL);
        b.at[b.n - 1] ^= 1;
        b.at[RECORD_1 + 1 + 6 + 1] = 'S'; /* "end": "Scores" */
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': the trailer of section 1 does not end kind 'scores'");
}

TEST("what is no hap stream is called that")
{
        CHECK(read_all("{\"a\": 1}\n", 9) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': not a hap stream");
        CHECK(read_all("\x81\xa1" "a" "\x01", 4) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot read 'in': not a hap stream");
}

/* Reads a header alone, which a refusal comes before. */
static const char *refusal(const char *header, size_t n)
{
        CHECK(read_all(header, n) == HAP_EINPUT);
        return err.message;
}

TEST("another version, kind or requirement is refused")
{
        CHECK_TEXT(refusal("\x82\xa3hap\x02\xa4kind\xa6scores", 18),
                   "cannot read 'in': section 1 is of version 2, this program reads 1");
        CHECK_TEXT(refusal("\x82\xa3hap\x01\xa4kind\xa6SCORES", 18),
                   "cannot read 'in': section 1 is of unknown kind 'SCORES'");
        CHECK_TEXT(refusal("\x81\xa3hap\x01", 6), "cannot read 'in': section 1 is of unknown kind ''");
        CHECK_TEXT(refusal("\x83\xa3hap\x01\xa4kind\xa6scores\xa8requires\x91\xa4" "4dim", 33),
                   "cannot read 'in': section 1 requires '4dim', which this version does not know");
        CHECK_TEXT(refusal("\x83\xa3hap\x01\xa4kind\xa6scores\xa8requires\x01", 28),
                   "cannot read 'in': \"requires\" of section 1 is not a list");
}

/* --- limits --- */

static const struct hap_limits small = {.record_bytes = 64, .elements = 10, .text_bytes = 16, .depth = 4};

static const char *limited(const void *record, size_t n)
{
        struct bytes b = section_of(record, n);

        CHECK(read_with(b.at, b.n, &small) == HAP_EINPUT);
        return err.message;
}

TEST("every limit is checked, and its message names it")
{
        CHECK_TEXT(limited("\x81\xa1" "b\xc6\x00\xff\xff\xff", 8), /* only the length is there */
                   "cannot read 'in': record 1: a record of 16777223 bytes exceeds the limit of 64");
        CHECK_TEXT(limited("\x81\xa1" "t\xd9\x11" "01234567890123456", 22),
                   "cannot read 'in': record 1: text of 17 bytes exceeds the limit of 16");
        CHECK_TEXT(limited("\x81\xa1" "a\xdc\x00\x0b", 6),
                   "cannot read 'in': record 1: an array of 11 elements exceeds the limit of 10");
        CHECK_TEXT(limited("\xde\x00\x0b", 3),
                   "cannot read 'in': record 1: a map of 11 elements exceeds the limit of 10");
        CHECK_TEXT(limited("\x82\xa1" "a\x98\0\0\0\0\0\0\0\0\xa1" "b\x91\x00", 16),
                   "cannot read 'in': record 1: a record of 11 elements exceeds the limit of 10");
        CHECK_TEXT(limited("\x81\xa1" "a\x91\x91\x91\x91\x00", 8),
                   "cannot read 'in': record 1: nesting of 5 levels exceeds the limit of 4");
}

TEST("what is just within the limits is read")
{
        static const char *const fits[] = {"\x81\xa1" "a\x91\x91\x91\x01", "\x81\xa1" "t\xb0" "0123456789012345",
                                           "\x81\xa1" "a\x99\1\1\1\1\1\1\1\1\1"};

        for (size_t i = 0; i < 3; i++) {
                struct bytes b = section_of(fits[i], strlen(fits[i]));
                /* the trailer has a map of 3 and texts of at most 7 */
                CHECK(read_with(b.at, b.n, &small) == 1);
        }
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

TEST("bytes that are no msgpack, or no map, are refused")
{
        CHECK_TEXT(limited("\x81\xa1" "a\xc1", 4), "cannot read 'in': record 1: byte 0xc1 is no msgpack");
        CHECK_TEXT(limited("\x93\x01\x02\x03", 4), "cannot read 'in': record 1: not a map");
}

/* --- writing --- */

static int write_scores(struct hap_writer *writer)
{
        static const char *const edges[] = {"input->m0", "m0->logits"};
        json_t *header = json_pack("{s:i, s:s}", "hap", 1, "kind", "scores");
        int rc = hap_writer_begin(writer, header, &err);

        json_decref(header);
        for (int i = 0; i < 2; i++) {
                msgpack_packer *packer = hap_writer_record(writer);

                msgpack_pack_map(packer, 2);
                hap_pack_text(packer, "edge");
                hap_pack_text(packer, edges[i]);
                hap_pack_text(packer, "score");
                if (i == 0)
                        msgpack_pack_double(packer, 0.5);
                else
                        msgpack_pack_int(packer, -2);
                rc |= hap_writer_end_record(writer, &err);
        }
        return rc | hap_writer_end(writer, &err);
}

static int write_cache(struct hap_writer *writer)
{
        static const float values[] = {0, 1, 2, 3, 4, 5};
        static const size_t shape[] = {2, 3};
        json_t *header = json_pack("{s:i, s:s, s:[{s:s, s:s, s:[s]}]}", "hap", 1, "kind", "cache",
                                   "history", "name", "x", "version", "1", "arguments", "--a=1");
        int rc = hap_writer_begin(writer, header, &err);

        json_decref(header);
        msgpack_pack_map(hap_writer_record(writer), 1);
        hap_pack_text(hap_writer_packer(writer), "t");
        rc |= hap_writer_tensor(writer, HAP_F32, 2, shape, values, &err);
        rc |= hap_writer_end_record(writer, &err);
        return rc | hap_writer_end(writer, &err);
}

TEST("what is written is to the byte what Python's msgpack writes")
{
        struct bytes b = written(write_scores, false);

        CHECK(b.n == sizeof(python_scores) && memcmp(b.at, python_scores, b.n) == 0);
        b = written(write_cache, false);
        CHECK(b.n == sizeof(python_cache) && memcmp(b.at, python_cache, b.n) == 0);
}

TEST("gzip is read, also between plain sections, and holds no time")
{
        struct bytes scores = written(write_scores, true), all = {.n = 0};

        CHECK(scores.at[0] == 0x1f && scores.at[1] == 0x8b);
        CHECK(memcmp(scores.at + 4, "\0\0\0\0", 4) == 0); /* mtime, RFC 1952 */
        CHECK(read_all(scores.at, scores.n) == 2);
        add(&all, python_cache, sizeof(python_cache));
        add(&all, scores.at, scores.n);
        add(&all, scores.at, scores.n);
        add(&all, python_cache, sizeof(python_cache));
        add(&all, scores.at, scores.n);
        CHECK(read_all(all.at, all.n) == 8);
}

TEST("gzip cut at any byte, or damaged, is refused")
{
        struct bytes scores = written(write_scores, true);

        for (size_t n = 1; n < scores.n; n++)
                CHECK(read_all(scores.at, n) == HAP_EINPUT);
        for (size_t i = 10; i < scores.n; i++) {
                scores.at[i] ^= 0x55;
                CHECK(read_all(scores.at, scores.n) == HAP_EINPUT);
                scores.at[i] ^= 0x55;
        }
}

/* The same by way of a pipe, whose end is called `name`. */
static int read_pipe(const void *data, size_t n, char name[32])
{
        const char *paths[] = {name};
        struct hap_reader *reader;
        msgpack_object record;
        json_t *header;
        int ends[2], rc, records = 0;

        err.message[0] = '\0';
        CHECK(pipe(ends) == 0);
        CHECK(write(ends[1], data, n) == (ssize_t)n);
        snprintf(name, 32, "/dev/fd/%d", ends[0]);
        close(ends[1]);
        CHECK(hap_reader_open(&reader, paths, 1, &err) == 0);
        CHECK(!hap_reader_keeps(reader));
        while ((rc = hap_reader_section(reader, &header, &err)) == 1)
                while ((rc = hap_reader_record(reader, &record, &err)) == 1)
                        records++;
        hap_reader_close(reader);
        close(ends[0]);
        return rc < 0 ? rc : records;
}

TEST("a pipe is read as memory is, whole, cut and with gzip in between")
{
        struct bytes scores = written(write_scores, true), all = {.n = 0};

        add(&all, python_cache, sizeof(python_cache));
        add(&all, scores.at, scores.n);
        add(&all, scores.at, scores.n);
        add(&all, python_scores, sizeof(python_scores));
        add(&all, scores.at, scores.n);
        for (size_t n = 0; n <= all.n; n++) {
                char name[32], wanted[sizeof(err.message)], *quote;
                int piped = read_pipe(all.at, n, name);

                snprintf(wanted, sizeof(wanted), "%s", err.message);
                CHECK(piped == read_all(all.at, n));
                quote = strstr(wanted, name);
                CHECK(piped >= 0 || quote);
                if (piped < 0 && quote) /* 'in' and the pipe's name differ */
                        CHECK_TEXT(quote + strlen(name), strchr(err.message, '\'') + 3);
        }
}

static int pass_python(struct hap_writer *writer)
{
        struct bytes both = {.n = 0};
        struct hap_reader *reader;
        msgpack_object record;
        json_t *header;
        int rc;

        add(&both, python_scores, sizeof(python_scores));
        add(&both, python_cache, sizeof(python_cache));
        hap_reader_open_memory(&reader, "in", both.at, both.n, &err);
        CHECK(hap_reader_section(reader, &header, &err) == 1);
        hap_reader_pass_to(reader, writer); /* right after the header */
        CHECK(hap_reader_record(reader, &record, &err) == 1);
        CHECK(hap_reader_section(reader, &header, &err) == 1);
        rc = hap_reader_section(reader, &header, &err);
        hap_reader_close(reader);
        return rc | write_scores(writer);
}

TEST("sections passed on keep their bytes, and the own section follows")
{
        struct bytes b = written(pass_python, false), wanted = {.n = 0};

        add(&wanted, python_scores, sizeof(python_scores));
        add(&wanted, python_cache, sizeof(python_cache));
        add(&wanted, python_scores, sizeof(python_scores));
        CHECK(b.n == wanted.n && memcmp(b.at, wanted.at, b.n) == 0);
}

TEST("a file appears whole or not at all")
{
        char folder[] = "/tmp/hap-unit-XXXXXX", path[64];
        struct hap_writer *writer;

        CHECK(mkdtemp(folder) != NULL);
        snprintf(path, sizeof(path), "%s/out", folder);
        CHECK(hap_writer_open(&writer, path, false, &err) == 0);
        CHECK(write_scores(writer) == 0);
        CHECK(access(path, F_OK) < 0);
        hap_writer_abandon(writer);
        CHECK(access(path, F_OK) < 0);
        CHECK(rmdir(folder) == 0); /* nothing was left in it */
}

/* --- tensors --- */

static struct hap_tensor half_tensor(enum hap_dtype dtype, const uint16_t *half)
{
        return (struct hap_tensor){.dtype = dtype, .n_dims = 1, .shape = {9}, .n = 9, .data = half};
}

/* 9 at a time: the vector path and the scalar one behind it. */
static void read_halves(enum hap_dtype dtype, uint16_t half, float out[9])
{
        uint16_t halves[9];
        struct hap_tensor tensor = half_tensor(dtype, halves);

        for (int i = 0; i < 9; i++)
                halves[i] = half;
        hap_tensor_read(&tensor, 0, 9, out);
}

TEST("every half-precision number is read as sign, exponent and fraction say")
{
        for (unsigned h = 0; h < 0x10000; h++) {
                int exponent = h >> 10 & 31, fraction = h & 1023;
                double value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
                float out[9];

                read_halves(HAP_F16, (uint16_t)h, out);
                for (int i = 0; i < 9; i += 8) {
                        if (exponent == 31 && fraction)
                                CHECK(isnan(out[i]));
                        else if (exponent == 31)
                                CHECK(isinf(out[i]) && (out[i] < 0) == (h >= 0x8000));
                        else
                                CHECK((double)out[i] == (h >= 0x8000 ? -value : value));
                }
        }
}

/* values: what is written; wanted: the bits that must come. */
static const float to_write[9] = {1.0F, 1.00048828125F, 1.00146484375F, 65504.0F, 5.9604645e-8F,
                                  2.9802322e-8F, -0.1F, 6.1e-5F, 1.00048828125F};
static const uint16_t f16_wanted[9] = {0x3c00, 0x3c00, 0x3c02, 0x7bff, 0x0001, 0x0000, 0xae66, 0x03ff, 0x3c00};
static const uint16_t bf16_wanted[9] = {0x3f80, 0x3f80, 0x3f80, 0x4780, 0x3380, 0x3300, 0xbdcd, 0x3880, 0x3f80};
static enum hap_dtype dtype_to_write;

static int write_halves(struct hap_writer *writer)
{
        static const size_t shape[] = {9};

        hap_writer_record(writer);
        return hap_writer_tensor(writer, dtype_to_write, 1, shape, to_write, &err);
}

/* f16 ties: 1 + 2^-11 lies between 1 and 1 + 2^-10 and goes to the even one. */
TEST("f16 and bf16 are rounded to the nearest, ties to even")
{
        struct bytes b;

        dtype_to_write = HAP_F16;
        b = written(write_halves, false);
        CHECK(b.n > 18 && memcmp(b.at + b.n - 18, f16_wanted, 18) == 0);
        dtype_to_write = HAP_BF16;
        b = written(write_halves, false);
        CHECK(b.n > 18 && memcmp(b.at + b.n - 18, bf16_wanted, 18) == 0);
}

TEST("a number too large for f16 is refused, not made infinite")
{
        static const float large[] = {70000.0F}, infinite[] = {INFINITY};
        static const size_t shape[] = {1};
        struct hap_writer *writer;

        CHECK(hap_writer_open(&writer, "/dev/null", false, &err) == 0);
        hap_writer_record(writer);
        CHECK(hap_writer_tensor(writer, HAP_F16, 1, shape, large, &err) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot write 70000 as f16; use bf16 or f32");
        CHECK(hap_writer_tensor(writer, HAP_F16, 1, shape, infinite, &err) == 0);
        CHECK(hap_writer_tensor(writer, HAP_BF16, 1, shape, large, &err) == 0);
        hap_writer_abandon(writer);
}

/* The tensor {"dtype": d, "shape": s, "data": bin of 4 bytes}, decoded. */
static const char *tensor_refusal(const char *packed, size_t n)
{
        struct hap_tensor tensor;
        msgpack_unpacked unpacked;
        size_t offset = 0;

        msgpack_unpacked_init(&unpacked);
        CHECK(msgpack_unpack_next(&unpacked, packed, n, &offset) == MSGPACK_UNPACK_SUCCESS);
        CHECK(hap_tensor_of(&unpacked.data, &tensor, &err) == HAP_EINPUT);
        msgpack_unpacked_destroy(&unpacked);
        return err.message;
}

TEST("a tensor whose parts do not fit is refused")
{
#define DATA "\xa4" "data" "\xc4\x04" "0123"
        CHECK_TEXT(tensor_refusal("\x83\xa5" "dtype" "\xa3" "f32" "\xa5" "shape" "\x91\x02" DATA, 30),
                   "a tensor of 2 f32 values has 4 bytes");
        CHECK_TEXT(tensor_refusal("\x83\xa5" "dtype" "\xa3" "f33" "\xa5" "shape" "\x91\x01" DATA, 30),
                   "a tensor has unknown dtype 'f33'");
        CHECK_TEXT(tensor_refusal("\x83\xa5" "dtype" "\xa3" "f32" "\xa5" "shape" "\x91\xff" DATA, 30),
                   "a tensor's shape is out of range");
        CHECK_TEXT(tensor_refusal("\x83\xa5" "dtype" "\xa3" "f32" "\xa5" "shape" "\x95\1\1\1\1\1" DATA, 34),
                   "a tensor has no shape of at most 4 sizes");
        CHECK_TEXT(tensor_refusal("\x83\xa5" "dtype" "\xa3" "f32" "\xa5" "shape"
                                  "\x92\xcf\x80\0\0\0\0\0\0\0\x02" DATA, 39),
                   "a tensor's shape is out of range");
        CHECK_TEXT(tensor_refusal("\xa1" "x", 2), "not a tensor");
}

RUN_TESTS
