#include "common/scan.h"

#include <inttypes.h>

const struct hap_limits hap_limits_default = {
        .record_bytes = (size_t)1 << 30,
        .elements = (size_t)16 << 20,
        .text_bytes = (size_t)1 << 20,
        .depth = 32,
};

/* The deepest nesting that msgpack-c can decode. */
#define MAX_DEPTH 32

struct scan {
        struct hap_byte_input *input;
        const struct hap_limits *limits;
        struct hap_error *err;
        size_t at;       /* bytes walked */
        size_t elements; /* of all arrays and maps so far */
        uint64_t left[MAX_DEPTH + 1]; /* values still to come, by depth */
        size_t depth;
};

static int refuse_value(struct scan *s, const char *what, uint64_t is, const char *unit,
                        size_t limit)
{
        hap_fail(s->err, HAP_EINPUT, "%s of %" PRIu64 " %s exceeds the limit of %zu",
                 what, is, unit, limit);
        return HAP_SCAN_REFUSED;
}

/* The big-endian number of `n` bytes after the lead byte; 1, 0 or an error. */
static int scan_number(struct scan *s, size_t n, uint64_t *value)
{
        const unsigned char *p;
        int rc = hap_byte_input_need(s->input, s->at + n, s->err);

        if (rc < 0)
                return rc;
        if (s->input->ready < s->at + n)
                return 0;
        p = s->input->data + s->at;
        *value = 0;
        for (size_t i = 0; i < n; i++)
                *value = *value << 8 | p[i];
        s->at += n;
        return 1;
}

/* Skips `n` bytes of content. */
static int scan_bytes(struct scan *s, uint64_t n)
{
        int rc;

        if (n > s->limits->record_bytes || s->at + n > s->limits->record_bytes)
                return refuse_value(s, "a record", s->at + n, "bytes", s->limits->record_bytes);
        rc = hap_byte_input_need(s->input, s->at + n, s->err);
        if (rc < 0)
                return rc;
        if (s->input->ready < s->at + n)
                return 0;
        s->at += n;
        return 1;
}

static int scan_text(struct scan *s, uint64_t n)
{
        if (n > s->limits->text_bytes)
                return refuse_value(s, "text", n, "bytes", s->limits->text_bytes);
        return scan_bytes(s, n);
}

/* An array or map of n elements, whose values are n * each. */
static int scan_container(struct scan *s, uint64_t n, unsigned each)
{
        size_t depth_limit = s->limits->depth < MAX_DEPTH ? s->limits->depth : MAX_DEPTH;

        if (n > s->limits->elements)
                return refuse_value(s, each == 2 ? "a map" : "an array", n, "elements",
                              s->limits->elements);
        s->elements += n;
        if (s->elements > s->limits->elements)
                return refuse_value(s, "a record", s->elements, "elements", s->limits->elements);
        if (s->depth >= depth_limit)
                return refuse_value(s, "nesting", s->depth + 1, "levels", depth_limit);
        s->left[++s->depth] = n * each;
        return 1;
}

/* A value whose length field has this many bytes: its content, or a container's elements. */
static int scan_sized(struct scan *s, unsigned char lead)
{
        uint64_t n = 0;
        int rc;

        switch (lead) {
        case 0xc4: case 0xc5: case 0xc6: /* bin */
                rc = scan_number(s, (size_t)1 << (lead - 0xc4), &n);
                return rc == 1 ? scan_bytes(s, n) : rc;
        case 0xc7: case 0xc8: case 0xc9: /* ext, with a type */
                rc = scan_number(s, (size_t)1 << (lead - 0xc7), &n);
                return rc == 1 ? scan_bytes(s, n + 1) : rc;
        case 0xd9: case 0xda: case 0xdb: /* str */
                rc = scan_number(s, (size_t)1 << (lead - 0xd9), &n);
                return rc == 1 ? scan_text(s, n) : rc;
        case 0xdc: case 0xdd: /* array */
                rc = scan_number(s, (size_t)2 << (lead - 0xdc), &n);
                return rc == 1 ? scan_container(s, n, 1) : rc;
        default: /* 0xde, 0xdf: map */
                rc = scan_number(s, (size_t)2 << (lead - 0xde), &n);
                return rc == 1 ? scan_container(s, n, 2) : rc;
        }
}

/* One value's own bytes; a container's values are left to the loop. */
static int scan_value(struct scan *s, unsigned char lead)
{
        if (lead <= 0x7f || lead >= 0xe0)
                return 1; /* small numbers */
        if (lead <= 0x8f)
                return scan_container(s, lead & 15, 2);
        if (lead <= 0x9f)
                return scan_container(s, lead & 15, 1);
        if (lead <= 0xbf)
                return scan_text(s, lead & 31);
        switch (lead) {
        case 0xc0: case 0xc2: case 0xc3:
                return 1; /* nil, false, true */
        case 0xc1:
                hap_fail(s->err, HAP_EINPUT, "byte 0xc1 is not valid msgpack");
                return HAP_SCAN_REFUSED;
        case 0xca:
                return scan_bytes(s, 4);
        case 0xcb:
                return scan_bytes(s, 8);
        case 0xcc: case 0xcd: case 0xce: case 0xcf: /* unsigned */
                return scan_bytes(s, (uint64_t)1 << (lead - 0xcc));
        case 0xd0: case 0xd1: case 0xd2: case 0xd3: /* signed */
                return scan_bytes(s, (uint64_t)1 << (lead - 0xd0));
        case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: /* ext */
                return scan_bytes(s, ((uint64_t)1 << (lead - 0xd4)) + 1);
        default:
                return scan_sized(s, lead);
        }
}

int hap_scan(struct hap_byte_input *input, const struct hap_limits *limits,
             size_t *length, struct hap_error *err)
{
        struct scan s = {.input = input, .limits = limits, .err = err, .left = {1}};
        int rc = 1;

        while (rc == 1) {
                uint64_t lead = 0;

                while (s.left[s.depth] == 0 && s.depth > 0)
                        s.depth--;
                if (s.left[s.depth] == 0)
                        break;
                s.left[s.depth]--;
                rc = scan_number(&s, 1, &lead);
                if (rc == 1 && s.at == 1 && (lead & 0xf0) != 0x80 && lead != 0xde && lead != 0xdf) {
                        hap_fail(err, HAP_EINPUT, "not a map");
                        return HAP_SCAN_NOT_A_MAP;
                }
                if (rc == 1)
                        rc = scan_value(&s, (unsigned char)lead);
                if (rc == 1 && s.at > limits->record_bytes)
                        rc = refuse_value(&s, "a record", s.at, "bytes", limits->record_bytes);
        }
        *length = s.at;
        return rc;
}
