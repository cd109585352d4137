#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/scan.h"
#include "common/byte_input.h"
#include "common/mpi.h"
#include "common/section_check.h"
#include "common/sections_seen.h"
#include "common/stream.h"

/* A mapped input stays open until the stream is closed: records point into it. */
struct opened {
        struct hap_byte_input input;
        struct opened *next;
};

struct hap_stream_in {
        char **paths;
        size_t n_paths, next_path;
        struct opened *opened; /* the current input first */

        struct hap_error failure; /* returned by every call after a failure */
        bool in_section;
        uint64_t section, record; /* numbers from 1, of the file; record 0: the header */
        uLong crc;
        struct hap_digests digests;
        msgpack_unpacked unpacked;
        json_t *header;
        const char *kind; /* in header */
        size_t raw;       /* bytes of the current value in the window */

        struct hap_stream_out *pass;
        unsigned char *header_bytes; /* not yet copied to `pass` */
        size_t n_header_bytes;
        bool passing; /* the header of the current section was copied */
        struct hap_sections_seen seen;
};

static int stream_in_new(struct hap_stream_in **in, struct hap_error *err)
{
        struct hap_stream_in *stream = calloc(1, sizeof(*stream));
        int rc;

        *in = NULL;
        if (!stream)
                return hap_fail_memory(err, "an input stream");
        msgpack_unpacked_init(&stream->unpacked);
        rc = hap_digests_init(&stream->digests, err);
        if (rc < 0)
                hap_stream_in_close(stream);
        else
                *in = stream;
        return rc;
}

/* A missing file is an error before any work is done. Each file is opened when it is
 * needed. */
static int add_path(struct hap_stream_in *in, const char *path, struct hap_error *err)
{
        struct stat st;

        if (strcmp(path, "-") != 0 && (stat(path, &st) < 0 || access(path, R_OK) < 0))
                return hap_fail(err, HAP_ESYSTEM, "cannot read '%s': %m", path);
        in->paths[in->n_paths] = strdup(path);
        if (!in->paths[in->n_paths])
                return hap_fail_memory(err, path);
        in->n_paths++;
        return 0;
}

int hap_stream_in_open(struct hap_stream_in **in, const char *const *paths, size_t n_paths,
                       struct hap_error *err)
{
        static const char *const standard[] = {"-"};
        int rc = stream_in_new(in, err);

        if (rc < 0)
                return rc;
        if (n_paths == 0) {
                paths = standard;
                n_paths = 1;
        }
        (*in)->paths = calloc(n_paths, sizeof(char *));
        if (!(*in)->paths)
                rc = hap_fail_memory(err, "names of files");
        for (size_t i = 0; rc == 0 && i < n_paths; i++)
                rc = add_path(*in, paths[i], err);
        if (rc < 0) {
                hap_stream_in_close(*in);
                *in = NULL;
        }
        return rc;
}

int hap_stream_in_open_memory(struct hap_stream_in **in, const char *name, const void *data,
                              size_t n, struct hap_error *err)
{
        struct opened *o;
        int rc = stream_in_new(in, err);

        if (rc < 0)
                return rc;
        o = calloc(1, sizeof(*o));
        rc = o ? hap_byte_input_memory(&o->input, name, data, n, err) : hap_fail_memory(err, name);
        if (rc < 0) {
                free(o);
                hap_stream_in_close(*in);
                *in = NULL;
                return rc;
        }
        (*in)->opened = o;
        return 0;
}

static void close_current_input(struct hap_stream_in *in)
{
        struct opened *o = in->opened;

        in->opened = o->next;
        hap_byte_input_close(&o->input);
        free(o);
}

void hap_stream_in_close(struct hap_stream_in *in)
{
        if (!in)
                return;
        while (in->opened)
                close_current_input(in);
        for (size_t i = 0; i < in->n_paths; i++)
                free(in->paths[i]); /* NOLINT(clang-analyzer-core.NullDereference): n_paths is 0 then */
        free(in->paths);
        free(in->header_bytes);
        json_decref(in->header);
        hap_digests_release(&in->digests);
        msgpack_unpacked_destroy(&in->unpacked);
        free(in);
}

const char *const *hap_stream_in_files(const struct hap_stream_in *in, size_t *n)
{
        *n = in->n_paths;
        return (const char *const *)in->paths;
}

const char *hap_stream_in_name(const struct hap_stream_in *in)
{
        if (in->opened)
                return in->opened->input.name;
        return in->n_paths && strcmp(in->paths[0], "-") != 0 ? in->paths[0] : "standard input";
}

uint64_t hap_stream_in_record_number(const struct hap_stream_in *in)
{
        return in->record;
}

bool hap_stream_in_keeps(const struct hap_stream_in *in)
{
        return in->opened && in->opened->input.direct;
}

const void *hap_stream_in_raw(const struct hap_stream_in *in, size_t *n)
{
        *n = in->raw;
        return in->opened->input.data;
}

int hap_stream_in_fail(struct hap_stream_in *in, struct hap_error *err, const char *format, ...)
{
        char why[512];
        va_list args;

        va_start(args, format);
        vsnprintf(why, sizeof(why), format, args);
        va_end(args);
        if (!in->in_section || in->record == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': %s", hap_stream_in_name(in),
                                why);
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': record %" PRIu64 ": %s",
                        hap_stream_in_name(in), in->record, why);
}

static int fail_cut(struct hap_stream_in *in, struct hap_error *err)
{
        const char *name = hap_stream_in_name(in);

        if (!in->in_section)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': truncated in the header of section %" PRIu64,
                                name, in->section + 1);
        if (in->record <= 1)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': truncated after the header of section %" PRIu64,
                                name, in->section);
        return hap_fail(err, HAP_EINPUT, "cannot read '%s': truncated after record %" PRIu64,
                        name, in->record - 1);
}

/* hap_scan refused a value with this code: adds the header or the record to the message. */
static int fail_at(struct hap_stream_in *in, int code, struct hap_error *err)
{
        if (!in->in_section)
                return in->section == 0 && code == HAP_SCAN_NOT_A_MAP
                        ? hap_fail(err, HAP_EINPUT, "cannot read '%s': not a hap stream",
                                   hap_stream_in_name(in))
                        : hap_fail_within(err, "cannot read '%s': header of section %" PRIu64,
                                          hap_stream_in_name(in), in->section + 1);
        return hap_fail_within(err, "cannot read '%s': record %" PRIu64, hap_stream_in_name(in),
                               in->record);
}

/* Moves to the next value and decodes it: 1; 0 at the end of an input, also within the
 * value; or a negative code. */
static int next_value(struct hap_stream_in *in, struct hap_error *err)
{
        struct hap_byte_input *s = &in->opened->input;
        size_t offset = 0;
        int rc;

        hap_byte_input_skip(s, in->raw);
        in->raw = 0;
        rc = hap_scan(s, &hap_limits_default, &in->raw, err);
        if (rc != 1) {
                in->raw = 0;
                return rc == HAP_SCAN_REFUSED || rc == HAP_SCAN_NOT_A_MAP ? fail_at(in, rc, err)
                                                                   : rc;
        }
        rc = msgpack_unpack_next(&in->unpacked, (const char *)s->data, in->raw, &offset);
        if (rc == MSGPACK_UNPACK_SUCCESS && offset == in->raw)
                return 1;
        if (rc == MSGPACK_UNPACK_NOMEM_ERROR)
                return hap_fail_memory(err, "a record");
        hap_fail(err, HAP_EINPUT, "it cannot be decoded");
        return fail_at(in, HAP_SCAN_REFUSED, err);
}

/* Copies the current value to the stream of -p, after the header of its section. */
static int pass_value(struct hap_stream_in *in, bool header, struct hap_error *err)
{
        int rc = 0;

        if (in->pass && header && in->header_bytes) {
                rc = hap_stream_out_bytes(in->pass, in->header_bytes, in->n_header_bytes, err);
                in->passing = true;
        }
        if (header) {
                free(in->header_bytes);
                in->header_bytes = NULL;
        }
        if (rc == 0 && in->pass && in->passing)
                rc = hap_stream_out_bytes(in->pass, in->opened->input.data, in->raw, err);
        return rc;
}

/* A file may be another one on another machine. */
static int same_section(const struct hap_stream_in *in, struct hap_error *err)
{
        char what[HAP_MESSAGE / 2], text[32];

        snprintf(what, sizeof what, "section %" PRIu64 " of '%s'", in->section,
                 hap_stream_in_name(in));
        snprintf(text, sizeof text, "%08lx", (unsigned long)in->crc);
        return hap_mpi_same(what, text, err);
}

static int end_section(struct hap_stream_in *in, struct hap_error *err)
{
        const struct hap_section_end end = {
                .name = hap_stream_in_name(in), .section = in->section, .header = in->header,
                .records = in->record - 1, .crc32 = (uint32_t)in->crc,
                .digest = hap_digests_end(&in->digests),
        };
        int rc = hap_section_check_end(&end, &in->unpacked.data, err);

        if (rc == 0)
                rc = same_section(in, err);
        if (rc == 0)
                rc = pass_value(in, in->record == 1, err);
        if (rc < 0)
                return rc;
        in->in_section = in->passing = false;
        return 0;
}

static int read_record(struct hap_stream_in *in, msgpack_object *record, struct hap_error *err)
{
        int rc;

        if (!in->in_section)
                return 0;
        in->record++;
        rc = next_value(in, err);
        if (rc == 0 || (rc == 1 && hap_map_get(&in->unpacked.data, "hap")))
                rc = fail_cut(in, err);
        if (rc < 0)
                return rc;
        if (hap_map_get(&in->unpacked.data, "end"))
                return end_section(in, err);
        in->crc = crc32_z(in->crc, in->opened->input.data, in->raw);
        hap_digests_add(&in->digests, in->opened->input.data, in->raw);
        rc = pass_value(in, in->record == 1, err);
        if (rc < 0)
                return rc;
        *record = in->unpacked.data;
        return 1;
}

/* Returns rc; a failure is stored for later calls. */
static int remember_failure(struct hap_stream_in *in, int rc, const struct hap_error *err)
{
        if (rc < 0)
                in->failure = *err;
        return rc;
}

int hap_stream_in_record(struct hap_stream_in *in, msgpack_object *record, struct hap_error *err)
{
        if (in->failure.code) {
                *err = in->failure;
                return err->code;
        }
        return remember_failure(in, read_record(in, record, err), err);
}

bool hap_stream_in_digest(const struct hap_stream_in *in, const json_t *header,
                          char text[HAP_DIGEST_TEXT])
{
        return hap_digests_text(&in->digests, hap_section_number(header), text);
}

/* Moves to the input of the next section: 1, or 0 when there is none. */
static int next_input(struct hap_stream_in *in, struct hap_error *err)
{
        for (;;) {
                struct opened *o = in->opened;
                int rc;

                if (o) {
                        hap_byte_input_skip(&o->input, in->raw);
                        in->raw = 0;
                        rc = hap_byte_input_detect(&o->input, err);
                        if (rc == 0)
                                rc = hap_byte_input_need(&o->input, 1, err);
                        if (rc < 0 || o->input.ready)
                                return rc < 0 ? rc : 1;
                        if (o->input.cut)
                                return hap_fail(err, HAP_EINPUT,
                                                "cannot read '%s': truncated gzip data",
                                                o->input.name);
                        hap_byte_input_forget(&o->input);
                }
                if (in->next_path == in->n_paths)
                        return 0;
                if (o && !o->input.direct)
                        close_current_input(in);
                o = calloc(1, sizeof(*o));
                if (!o)
                        return hap_fail_memory(err, "an input stream");
                rc = hap_byte_input_open(&o->input, in->paths[in->next_path++], err);
                if (rc < 0) {
                        free(o);
                        return rc;
                }
                o->next = in->opened;
                in->opened = o;
                in->section = 0;
        }
}

static int keep_header_bytes(struct hap_stream_in *in, struct hap_error *err)
{
        free(in->header_bytes);
        in->header_bytes = malloc(in->raw);
        if (!in->header_bytes)
                return hap_fail_memory(err, "a header");
        memcpy(in->header_bytes, in->opened->input.data, in->raw);
        in->n_header_bytes = in->raw;
        return 0;
}

static int read_header(struct hap_stream_in *in, json_t **header, struct hap_error *err)
{
        int rc = next_input(in, err);

        if (rc <= 0)
                return rc;
        rc = next_value(in, err);
        if (rc <= 0)
                return rc < 0 ? rc : fail_cut(in, err);
        in->section++;
        json_decref(in->header);
        in->header = hap_json_of(&in->unpacked.data);
        if (!in->header)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': header of section %" PRIu64
                                " contains a value that JSON cannot represent",
                                hap_stream_in_name(in), in->section);
        rc = hap_section_check_header(in->header, hap_stream_in_name(in), in->section, err);
        if (rc == 0)
                rc = keep_header_bytes(in, err);
        if (rc == 0)
                rc = hap_digests_begin(&in->digests, err);
        if (rc < 0)
                return rc;
        in->kind = json_string_value(json_object_get(in->header, "kind"));
        hap_section_mark(in->header, in->digests.n);
        in->crc = crc32_z(crc32_z(0, NULL, 0), in->opened->input.data, in->raw);
        in->record = 0;
        in->in_section = true;
        *header = in->header;
        return 1;
}

int hap_stream_in_section(struct hap_stream_in *in, json_t **header, struct hap_error *err)
{
        msgpack_object record;
        int rc;

        while ((rc = hap_stream_in_record(in, &record, err)) == 1)
                ;
        rc = rc < 0 ? rc : remember_failure(in, read_header(in, header, err), err);
        if (rc == 1)
                hap_sections_seen_note(&in->seen, in->kind, hap_stream_in_name(in));
        return rc;
}

/* Moves to a section of a file by its number, from 1. */
static int seek_section(struct hap_stream_in *in, uint64_t section, struct hap_error *err)
{
        json_t *header;
        int rc = 1;

        while (rc > 0 && in->section < section)
                rc = hap_stream_in_section(in, &header, err);
        return rc;
}

int hap_stream_in_again(const struct hap_stream_in *in, struct hap_stream_in **again,
                        struct hap_error *err)
{
        const char *path = in->next_path > 0 ? in->paths[in->next_path - 1] : "-";
        int rc;

        *again = NULL;
        if (strcmp(path, "-") == 0 || !in->opened->input.mapped)
                return 0;
        rc = hap_stream_in_open(again, (const char *const *)&path, 1, err);
        if (rc == 0)
                rc = seek_section(*again, in->section, err);
        if (rc == 1 && (*again)->n_header_bytes == in->n_header_bytes &&
            memcmp((*again)->header_bytes, in->header_bytes, in->n_header_bytes) == 0)
                return 1;
        if (rc >= 0)
                hap_fail(err, HAP_EINPUT, "cannot read '%s': it has changed since it was opened", path);
        hap_stream_in_close(*again);
        *again = NULL;
        return err->code;
}

int hap_stream_in_fail_missing(const struct hap_stream_in *in, const char *kind,
                               struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "the input contains no %s; it contains %s", kind,
                        hap_sections_seen_text(&in->seen));
}

void hap_stream_in_pass_to(struct hap_stream_in *in, struct hap_stream_out *out)
{
        in->pass = out;
        if (!out)
                in->passing = false;
}
