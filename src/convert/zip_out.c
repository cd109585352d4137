#include "convert/zip_out.h"

#include <stdbool.h>
#include <string.h>

enum {
        LOCAL = 0x04034b50,
        CENTRAL = 0x02014b50,
        END64 = 0x06064b50,
        LOCATOR64 = 0x07064b50,
        END = 0x06054b50,
        VERSION = 20,
        VERSION64 = 45,
        UNIX = 3 << 8,
        FIRST_DAY = 0x21, /* 1 January 1980: an archive does not depend on the time */
        READABLE = 0100644,
};
#define NOT_IN_32 UINT32_MAX
#define NOT_IN_16 UINT16_MAX

/* Little-endian numbers, one after the other. */
struct fields {
        unsigned char bytes[128];
        size_t n;
};

static void add(struct fields *f, int bytes, uint64_t value)
{
        for (int i = 0; i < bytes; i++)
                f->bytes[f->n++] = (unsigned char)(value >> 8 * i);
}

void hap_zip_out_init(struct hap_zip_out *zip, FILE *out)
{
        *zip = (struct hap_zip_out){.out = out};
}

void hap_zip_out_release(struct hap_zip_out *zip)
{
        hap_byte_store_release(&zip->directory);
}

static void write_out(struct hap_zip_out *zip, const void *data, size_t n)
{
        fwrite(data, 1, n, zip->out);
        zip->at += n;
}

/* What a local header and the directory say of a member, from the version to the length of the
 * name. */
static void add_member(struct fields *f, uint32_t crc, uint64_t size, size_t name, bool large)
{
        add(f, 2, large ? VERSION64 : VERSION);
        add(f, 2, 0); /* no flags */
        add(f, 2, 0); /* stored */
        add(f, 2, 0); /* at midnight */
        add(f, 2, FIRST_DAY);
        add(f, 4, crc);
        add(f, 4, large ? NOT_IN_32 : size);
        add(f, 4, large ? NOT_IN_32 : size);
        add(f, 2, name);
}

static int add_to_directory(struct hap_zip_out *zip, const char *name, uint32_t crc, uint64_t size,
                            struct hap_error *err)
{
        const bool large = size >= NOT_IN_32 || zip->at >= NOT_IN_32;
        struct fields f = {.n = 0}, extra = {.n = 0};

        if (large) {
                add(&extra, 2, 1); /* ZIP64 */
                add(&extra, 2, 24);
                add(&extra, 8, size);
                add(&extra, 8, size);
                add(&extra, 8, zip->at);
        }
        add(&f, 4, CENTRAL);
        add(&f, 2, UNIX | VERSION64);
        add_member(&f, crc, size, strlen(name), large);
        add(&f, 2, extra.n);
        add(&f, 2, 0); /* no comment */
        add(&f, 2, 0); /* the first disk */
        add(&f, 2, 0);
        add(&f, 4, (uint64_t)READABLE << 16);
        add(&f, 4, large ? NOT_IN_32 : zip->at);
        if (hap_byte_store_add(&zip->directory, f.bytes, f.n, err) < 0 ||
            hap_byte_store_add(&zip->directory, name, strlen(name), err) < 0 ||
            hap_byte_store_add(&zip->directory, extra.bytes, extra.n, err) < 0)
                return err->code;
        return HAP_OK;
}

int hap_zip_out_member(struct hap_zip_out *zip, const char *name, uint32_t crc, uint64_t size,
                   struct hap_error *err)
{
        const bool large = size >= NOT_IN_32;
        struct fields f = {.n = 0}, extra = {.n = 0};

        if (add_to_directory(zip, name, crc, size, err) < 0)
                return err->code;
        if (large) {
                add(&extra, 2, 1);
                add(&extra, 2, 16);
                add(&extra, 8, size);
                add(&extra, 8, size);
        }
        add(&f, 4, LOCAL);
        add_member(&f, crc, size, strlen(name), large);
        add(&f, 2, extra.n);
        write_out(zip, f.bytes, f.n);
        write_out(zip, name, strlen(name));
        write_out(zip, extra.bytes, extra.n);
        zip->at += size;
        zip->members++;
        return HAP_OK;
}

static int write_directory(struct hap_zip_out *zip, struct hap_error *err)
{
        uint64_t left = hap_byte_store_size(&zip->directory);
        char piece[4096];

        hap_byte_store_seek(&zip->directory, 0);
        while (left > 0) {
                const size_t n = left < sizeof piece ? (size_t)left : sizeof piece;

                if (hap_byte_store_take(&zip->directory, piece, n, err) < 0)
                        return err->code;
                write_out(zip, piece, n);
                left -= n;
        }
        return HAP_OK;
}

/* The end of an archive that is too large for the usual one. */
static void add_end64(struct fields *f, const struct hap_zip_out *zip, uint64_t start)
{
        add(f, 4, END64);
        add(f, 8, 44); /* bytes that follow */
        add(f, 2, UNIX | VERSION64);
        add(f, 2, VERSION64);
        add(f, 4, 0); /* disks */
        add(f, 4, 0);
        add(f, 8, zip->members);
        add(f, 8, zip->members);
        add(f, 8, zip->at - start);
        add(f, 8, start);
        add(f, 4, LOCATOR64);
        add(f, 4, 0);
        add(f, 8, zip->at);
        add(f, 4, 1);
}

int hap_zip_out_end(struct hap_zip_out *zip, struct hap_error *err)
{
        const uint64_t start = zip->at;
        struct fields f = {.n = 0};
        bool large;

        if (write_directory(zip, err) < 0)
                return err->code;
        large = zip->members >= NOT_IN_16 || zip->at >= NOT_IN_32;
        if (large)
                add_end64(&f, zip, start);
        add(&f, 4, END);
        add(&f, 2, 0);
        add(&f, 2, 0);
        add(&f, 2, large ? NOT_IN_16 : zip->members);
        add(&f, 2, large ? NOT_IN_16 : zip->members);
        add(&f, 4, large ? NOT_IN_32 : zip->at - start);
        add(&f, 4, large ? NOT_IN_32 : start);
        add(&f, 2, 0);
        write_out(zip, f.bytes, f.n);
        return HAP_OK;
}
