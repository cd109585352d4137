#include "convert/json_lines.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/json.h"
#include "common/scan.h"
#include "common/spool.h"
#include "convert/edited.h"
#include "convert/json_pack.h"

/* A line of JSON is at most as long as base64 makes the largest record. */
#define LINE_BYTES ((size_t)3 << 29)

struct lines {
        struct hap_byte_input *input;
        struct hap_program *program;
        uint64_t line;
        int64_t records;

        bool in_section; /* the rest is of the current section */
        char kind[32];
        void *header; /* packed, n_header bytes; owned */
        size_t n_header;
        json_t *json; /* the header, or NULL if it is no JSON */
        uLong crc;
        struct hap_spool spool;
};

/* The next line, without its newline, in the input's window. Returns its bytes with the
 * newline, or 0 after the last line. */
static int64_t next_line(struct lines *l, const char **text, size_t *length, struct hap_error *err)
{
        size_t seen = 0;

        for (;;) {
                struct hap_byte_input *in = l->input;
                const char *end = NULL;

                if (in->ready > seen)
                        end = memchr(in->data + seen, '\n', in->ready - seen);
                *text = (const char *)in->data;
                *length = end ? (size_t)(end - *text) : in->ready;
                if (*length > LINE_BYTES)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot read '%s': line %" PRIu64
                                        " exceeds the limit of %zu bytes",
                                        in->name, l->line + 1, LINE_BYTES);
                if (end || in->ended)
                        return (int64_t)*length + (end ? 1 : 0);
                seen = in->ready;
                if (hap_byte_input_need(in, seen + 1, err) < 0)
                        return err->code;
        }
}

/* Checks the limits, so that the stream can be read. */
static int check_packed(const msgpack_sbuffer *packed, msgpack_unpacked *unpacked,
                        struct hap_error *err)
{
        struct hap_byte_input memory;
        size_t length, offset = 0;
        int rc = hap_byte_input_memory(&memory, "a line", packed->data, packed->size, err);

        if (rc < 0)
                return rc;
        rc = hap_scan(&memory, &hap_limits_default, &length, err);
        hap_byte_input_close(&memory);
        if (rc != 1)
                return HAP_EINPUT;
        if (msgpack_unpack_next(unpacked, packed->data, packed->size, &offset) !=
            MSGPACK_UNPACK_SUCCESS)
                return hap_fail_memory(err, "a record");
        return 0;
}

static int keep_header(struct lines *l, const msgpack_object *map, const msgpack_sbuffer *packed,
                       struct hap_error *err)
{
        const msgpack_object *kind = hap_map_get(map, "kind");

        *l->kind = '\0';
        if (kind && kind->type == MSGPACK_OBJECT_STR && kind->via.str.size < sizeof l->kind)
                snprintf(l->kind, sizeof l->kind, "%.*s", (int)kind->via.str.size,
                         kind->via.str.ptr);
        if (!*l->kind || !hap_map_get(map, "hap"))
                return hap_fail(err, HAP_EINPUT,
                                "expected a header with \"hap\" and \"kind\"");
        l->header = malloc(packed->size);
        if (!l->header)
                return hap_fail_memory(err, "a header");
        memcpy(l->header, packed->data, packed->size);
        l->n_header = packed->size;
        l->json = hap_json_of(map);
        l->crc = crc32_z(crc32_z(0, NULL, 0), l->header, l->n_header);
        l->in_section = true;
        return hap_spool_init(&l->spool, err);
}

/* The digest of the trailer, if it is a text of that length. */
static const char *digest_of(const msgpack_object *trailer, char text[HAP_DIGEST_TEXT])
{
        const msgpack_object *digest = hap_map_get(trailer, "digest");

        if (!digest || digest->type != MSGPACK_OBJECT_STR ||
            digest->via.str.size != HAP_DIGEST_TEXT - 1)
                return NULL;
        snprintf(text, HAP_DIGEST_TEXT, "%.*s", (int)digest->via.str.size, digest->via.str.ptr);
        return text;
}

/* A section that its trailer does not fit was edited. A header that is no JSON stays as it is:
 * every reader refuses it anyway. */
static bool is_edited(const struct lines *l, const msgpack_object *trailer)
{
        const msgpack_object *crc = hap_map_get(trailer, "crc32");

        return l->json && (!crc || crc->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
                           crc->via.u64 != (uint64_t)l->crc);
}

static void correct_header(struct lines *l, const char *before)
{
        struct hap_edit edit = {.records = l->spool.records,
                                .digest = hap_spool_digest(&l->spool),
                                .before = before,
                                .name = l->input->name};
        char now[HAP_DIGEST_TEXT];

        hap_digest_text(edit.digest, now);
        edit.records_changed = !before || strcmp(before, now) != 0;
        hap_edited_header(l->program, l->json, &edit);
}

static void release_section(struct lines *l)
{
        if (l->in_section)
                hap_spool_release(&l->spool);
        json_decref(l->json);
        free(l->header);
        l->json = NULL;
        l->header = NULL;
        l->in_section = false;
}

static int end_section(struct lines *l, const msgpack_object *trailer, struct hap_error *err)
{
        struct hap_stream_out *out = l->program->out;
        const bool edited = is_edited(l, trailer);
        char text[HAP_DIGEST_TEXT];
        const char *before = digest_of(trailer, text);
        int rc;

        if (edited)
                correct_header(l, before);
        rc = edited ? hap_stream_out_begin(out, l->json, err)
                    : hap_stream_out_begin_bytes(out, l->kind, l->header, l->n_header, err);
        if (rc == 0)
                rc = hap_spool_write(&l->spool, out, err);
        if (rc == 0)
                rc = edited || before ? hap_stream_out_end(out, err)
                                      : hap_stream_out_end_without_digest(out, err);
        release_section(l);
        return rc;
}

static int take_map(struct lines *l, const msgpack_object *map, const msgpack_sbuffer *packed,
                    struct hap_error *err)
{
        if (!l->in_section)
                return keep_header(l, map, packed, err);
        if (hap_map_get(map, "hap"))
                return hap_fail(err, HAP_EINPUT,
                                "unexpected header: the section has no trailer yet");
        if (hap_map_get(map, "end"))
                return end_section(l, map, err);
        l->records++;
        l->crc = crc32_z(l->crc, (const unsigned char *)packed->data, packed->size);
        msgpack_pack_bin_body(hap_spool_record(&l->spool), packed->data, packed->size);
        return hap_spool_end_record(&l->spool, err);
}

static int take_line(struct lines *l, const char *text, size_t length, struct hap_error *err)
{
        json_error_t why;
        json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
        msgpack_sbuffer packed;
        msgpack_unpacked unpacked;
        msgpack_packer packer;
        int rc;

        if (!line)
                return hap_fail(err, HAP_EINPUT, "not valid JSON: %s", why.text);
        msgpack_sbuffer_init(&packed);
        msgpack_packer_init(&packer, &packed, hap_json_pack_into_buffer);
        msgpack_unpacked_init(&unpacked);
        rc = hap_json_pack(&packer, line, err);
        json_decref(line);
        if (rc == 0)
                rc = check_packed(&packed, &unpacked, err);
        if (rc == 0)
                rc = take_map(l, &unpacked.data, &packed, err);
        msgpack_unpacked_destroy(&unpacked);
        msgpack_sbuffer_destroy(&packed);
        return rc;
}

static int64_t read_lines(struct lines *l, struct hap_error *err)
{
        const char *text;
        size_t length;
        int64_t n = hap_byte_input_detect(l->input, err);

        while (n >= 0 && (n = next_line(l, &text, &length, err)) > 0) {
                int rc;

                l->line++;
                /* blank lines are skipped */
                rc = hap_is_blank(text, length) ? 0 : take_line(l, text, length, err);
                if (rc < 0)
                        return rc == HAP_ESYSTEM ? rc
                                : hap_fail_within(err, "cannot read '%s': line %" PRIu64,
                                                  l->input->name, l->line);
                hap_byte_input_skip(l->input, (size_t)n);
        }
        if (n < 0)
                return n;
        if (l->in_section)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': truncated after line %" PRIu64
                                ": no trailer", l->input->name, l->line);
        return l->records;
}

int64_t hap_json_read(struct hap_byte_input *input, struct hap_program *program)
{
        struct lines l = {.input = input, .program = program};
        int64_t n = read_lines(&l, &program->error);

        release_section(&l);
        return n;
}
