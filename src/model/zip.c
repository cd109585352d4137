/* A zip archive ends with a record that has the offset of its directory. An entry of the
 * directory has the offset of a file and the way it is packed. */
#include "model/zip.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "common/file_map.h"

#define END_BYTES 22
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30
#define MAX_COMMENT 65535
#define PIECE ((size_t)1 << 18)

struct entry {
        unsigned method; /* 0 stored, 8 deflated */
        uint32_t crc;
        size_t packed, size;
        const unsigned char *data;
};

static uint32_t u16(const unsigned char *p)
{
        return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const unsigned char *p)
{
        return u16(p) | u16(p + 2) << 16;
}

static int bad(const char *archive, const char *why, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "cannot read '%s': %s", archive, why);
}

/* The end record, or NULL. */
static const unsigned char *find_end(const struct hap_file_map *map)
{
        size_t least = map->size > END_BYTES + MAX_COMMENT
                               ? map->size - END_BYTES - MAX_COMMENT : 0;

        if (map->size < END_BYTES)
                return NULL;
        for (size_t at = map->size - END_BYTES + 1; at-- > least;)
                if (memcmp(map->data + at, "PK\5\6", 4) == 0)
                        return map->data + at;
        return NULL;
}

/* The offset of an entry's bytes, which follow a header of their own. */
static int locate(const struct hap_file_map *map, size_t offset, struct entry *entry)
{
        const unsigned char *local = map->data + offset;
        size_t names;

        if (offset > map->size || map->size - offset < LOCAL_BYTES ||
            memcmp(local, "PK\3\4", 4) != 0)
                return -1;
        names = LOCAL_BYTES + u16(local + 26) + u16(local + 28);
        if (map->size - offset < names || map->size - offset - names < entry->packed)
                return -1;
        entry->data = local + names;
        return 0;
}

static int ends_with(const unsigned char *name, size_t length, const char *suffix)
{
        size_t n = strlen(suffix);

        return length >= n && memcmp(name + length - n, suffix, n) == 0;
}

static int find_entry(const struct hap_file_map *map, const char *archive, const char *suffix,
                      struct entry *entry, struct hap_error *err)
{
        const unsigned char *end = find_end(map);
        size_t at, n;

        if (!end)
                return bad(archive, "not a zip file", err);
        at = u32(end + 16);
        for (n = u16(end + 10); n > 0; n--) {
                const unsigned char *e = map->data + at;
                size_t name;

                if (at > map->size || map->size - at < ENTRY_BYTES || memcmp(e, "PK\1\2", 4) != 0)
                        return bad(archive, "its directory is damaged", err);
                name = u16(e + 28);
                if (map->size - at - ENTRY_BYTES < name)
                        return bad(archive, "its directory is damaged", err);
                *entry = (struct entry){.method = u16(e + 10), .crc = u32(e + 16),
                                        .packed = u32(e + 20), .size = u32(e + 24)};
                if (ends_with(e + ENTRY_BYTES, name, suffix))
                        return locate(map, u32(e + 42), entry) == 0
                                       ? 0
                                       : bad(archive, "an entry is damaged", err);
                at += ENTRY_BYTES + name + u16(e + 30) + u16(e + 32);
        }
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': it contains no file *%s", archive,
                        suffix);
}

static int put_zip_bytes(FILE *out, const unsigned char *data, size_t n, uint32_t *crc)
{
        *crc = (uint32_t)crc32_z(*crc, data, n);
        return fwrite(data, 1, n, out) == n ? 0 : -1;
}

/* Unpacks to `out`. Returns 0, 1 when the data are damaged, -1 when writing fails. */
static int inflate_to(const struct entry *entry, FILE *out, size_t *size, uint32_t *crc)
{
        static unsigned char piece[PIECE];
        z_stream z = {.next_in = (unsigned char *)(uintptr_t)entry->data,
                      .avail_in = (unsigned)entry->packed};
        int rc = inflateInit2(&z, -MAX_WBITS);

        while (rc == Z_OK && *size <= entry->size) {
                z.next_out = piece;
                z.avail_out = PIECE;
                rc = inflate(&z, Z_NO_FLUSH);
                *size += PIECE - z.avail_out;
                if (put_zip_bytes(out, piece, PIECE - z.avail_out, crc) < 0) {
                        inflateEnd(&z);
                        return -1;
                }
        }
        inflateEnd(&z);
        return rc == Z_STREAM_END ? 0 : 1;
}

static int unpack(const struct entry *entry, const char *archive, FILE *out, const char *to,
                  struct hap_error *err)
{
        uint32_t crc = 0;
        size_t size = 0;
        int rc = 1;

        if (entry->method == 0) {
                size = entry->packed;
                rc = put_zip_bytes(out, entry->data, size, &crc);
        } else if (entry->method == 8) {
                rc = inflate_to(entry, out, &size, &crc);
        }
        if (rc < 0 || fflush(out) != 0)
                return hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", to, strerror(errno));
        if (rc > 0 || size != entry->size || crc != entry->crc)
                return bad(archive, "an entry is damaged", err);
        return 0;
}

int hap_zip_extract(const char *archive, const char *suffix, const char *to,
                    struct hap_error *err)
{
        struct entry entry = {0};
        struct hap_file_map map;
        FILE *out = NULL;
        int rc;

        if ((rc = hap_file_map_open(&map, archive, err)) < 0)
                return rc;
        if ((rc = find_entry(&map, archive, suffix, &entry, err)) < 0)
                goto out;
        out = fopen(to, "wbxe");
        if (!out) {
                rc = hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", to, strerror(errno));
                goto out;
        }
        rc = unpack(&entry, archive, out, to, err);
        if (fclose(out) != 0 && rc == 0)
                rc = hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", to, strerror(errno));
out:
        hap_file_map_close(&map);
        return rc;
}
