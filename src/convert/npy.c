/* Writing arrays. A member is made twice: for its size and CRC-32, which precede it, and to be
 * written. */
#include "convert/npy.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <zlib.h>

#include "common/number.h"

/* Elements that are converted at a time. */
enum { CHUNK = 1024 };

/* How the entries become the elements of an array. */
struct form {
        const char *type;  /* NumPy's, without the length of a text */
        size_t characters; /* of a text */
        bool text, shaped, halves;
};

/* Where the bytes of a member go; out NULL: they are only counted. */
struct sink {
        FILE *out;
        uLong crc;
        uint64_t bytes;
};

/* An entry that is being read. */
struct entry {
        enum hap_entry kind;
        union {
                int64_t integer;
                double real;
                uint64_t size;
        } value;
        int n_dims;
        uint64_t shape[HAP_MAX_DIMS], n; /* of a list or tensor */
};

static void put(struct sink *sink, const void *data, size_t n)
{
        if (sink->out)
                fwrite(data, 1, n, sink->out);
        else
                sink->crc = crc32_z(sink->crc, data, n);
        sink->bytes += n;
}

/* --- entries --- */

static int read_shape(struct hap_array *array, struct entry *entry, struct hap_error *err)
{
        uint64_t dims;

        if (hap_byte_store_take(&array->entries, &dims, sizeof dims, err) < 0 ||
            hap_byte_store_take(&array->entries, entry->shape, dims * sizeof *entry->shape, err) < 0)
                return err->code;
        entry->n_dims = (int)dims;
        entry->n = 1;
        for (int i = 0; i < entry->n_dims; i++)
                entry->n *= entry->shape[i];
        return HAP_OK;
}

/* Reads an entry up to the bytes of its text or its numbers. */
static int read_entry(struct hap_array *array, struct entry *entry, struct hap_error *err)
{
        unsigned char kind;

        *entry = (struct entry){.n_dims = 0};
        if (hap_byte_store_take(&array->entries, &kind, 1, err) < 0)
                return err->code;
        entry->kind = kind;
        if (kind == HAP_ENTRY_MISSING)
                return HAP_OK;
        if (kind >= HAP_ENTRY_INTS)
                return read_shape(array, entry, err);
        return hap_byte_store_take(&array->entries, &entry->value, 8, err);
}

static size_t element_bytes(enum hap_entry kind)
{
        return kind >= HAP_ENTRY_F32 ? hap_dtype_bytes[kind - HAP_ENTRY_F32] : 8;
}

/* --- texts --- */

static void print_number(const struct entry *entry, FILE *out)
{
        char digits[HAP_DIGITS];

        if (entry->kind == HAP_ENTRY_INT || entry->kind == HAP_ENTRY_INTS) {
                fprintf(out, "%" PRId64, entry->value.integer);
        } else if (!isfinite(entry->value.real)) {
                fprintf(out, "%g", entry->value.real);
        } else {
                hap_shortest_digits(entry->value.real, false, digits);
                fputs(digits, out);
        }
}

static int print_text(struct hap_array *array, uint64_t size, FILE *out, struct hap_error *err)
{
        char piece[256];

        for (uint64_t at = 0; at < size; at += sizeof piece) {
                const size_t n = hap_min(sizeof piece, size - at);

                if (hap_byte_store_take(&array->entries, piece, n, err) < 0)
                        return err->code;
                fwrite(piece, 1, n, out);
        }
        return HAP_OK;
}

static int print_list(struct hap_array *array, const struct entry *entry, FILE *out,
                      struct hap_error *err)
{
        struct entry item = *entry;

        putc('[', out);
        for (uint64_t i = 0; i < entry->n; i++) {
                if (hap_byte_store_take(&array->entries, &item.value, 8, err) < 0)
                        return err->code;
                if (i > 0)
                        putc(',', out);
                print_number(&item, out);
        }
        putc(']', out);
        return HAP_OK;
}

static int print_entry(struct hap_array *array, const struct entry *entry, FILE *out,
                       struct hap_error *err)
{
        switch (entry->kind) {
        case HAP_ENTRY_MISSING:
                return HAP_OK;
        case HAP_ENTRY_BOOL:
                fputs(entry->value.integer ? "true" : "false", out);
                return HAP_OK;
        case HAP_ENTRY_INT:
        case HAP_ENTRY_FLOAT:
                print_number(entry, out);
                return HAP_OK;
        case HAP_ENTRY_TEXT:
                return print_text(array, entry->value.size, out, err);
        default:
                return print_list(array, entry, out, err);
        }
}

/* The entry as a text, owned by the caller, or NULL. */
static char *text_of(struct hap_array *array, const struct entry *entry, struct hap_error *err)
{
        char *text = NULL;
        size_t bytes;
        FILE *out = open_memstream(&text, &bytes);
        int rc = out ? print_entry(array, entry, out, err) : hap_fail_memory(err, "a text");

        if (out && fclose(out) != 0)
                rc = hap_fail_memory(err, "a text");
        if (rc == HAP_OK)
                return text;
        free(text);
        return NULL;
}

/* Writes a text as UTF-32 (sink NULL: counts). Returns its number of characters. */
static size_t put_characters(const char *text, struct sink *sink)
{
        const size_t n = strlen(text);
        utf8proc_int32_t character;
        size_t characters = 0;

        for (size_t at = 0; at < n; characters++) {
                at += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                               (utf8proc_ssize_t)(n - at), &character);
                if (sink)
                        put(sink, &character, sizeof character);
        }
        return characters;
}

static int put_text(struct hap_array *array, const struct entry *entry, size_t characters,
                    struct sink *sink, struct hap_error *err)
{
        static const int32_t none;
        char *text = text_of(array, entry, err);

        if (!text)
                return err->code;
        for (size_t n = put_characters(text, sink); n < characters; n++)
                put(sink, &none, sizeof none);
        free(text);
        return HAP_OK;
}

static int find_longest(struct hap_array *array, size_t *longest, struct hap_error *err)
{
        struct entry entry;

        *longest = 1; /* NumPy has no text of length 0 */
        hap_byte_store_seek(&array->entries, 0);
        for (uint64_t i = 0; i < array->n; i++) {
                char *text = read_entry(array, &entry, err) < 0 ? NULL : text_of(array, &entry, err);

                if (!text)
                        return err->code;
                *longest = hap_max(*longest, put_characters(text, NULL));
                free(text);
        }
        return HAP_OK;
}

/* --- numbers --- */

static void put_number(const struct entry *entry, const struct form *form, struct sink *sink)
{
        const unsigned char flag = entry->value.integer != 0;
        double real = entry->value.real;

        if (form->type[1] == 'b') {
                put(sink, &flag, 1);
        } else if (form->type[1] == 'i') {
                put(sink, &entry->value.integer, 8);
        } else {
                if (entry->kind == HAP_ENTRY_MISSING)
                        real = NAN;
                else if (entry->kind != HAP_ENTRY_FLOAT)
                        real = (double)entry->value.integer;
                put(sink, &real, 8);
        }
}

/* n numbers of an entry, from its bytes. */
static void put_chunk(const struct entry *entry, const struct form *form, const void *bytes,
                      size_t n, struct sink *sink)
{
        struct hap_tensor tensor = {.data = bytes, .n = n};
        float singles[CHUNK];
        double reals[CHUNK];

        if (entry->kind == HAP_ENTRY_INTS && form->type[1] == 'f') {
                for (size_t i = 0; i < n; i++)
                        reals[i] = (double)((const int64_t *)bytes)[i];
                put(sink, reals, n * sizeof *reals);
        } else if (entry->kind >= HAP_ENTRY_F16 && !form->halves) {
                tensor.dtype = (enum hap_dtype)(entry->kind - HAP_ENTRY_F32);
                hap_tensor_read(&tensor, 0, n, singles);
                put(sink, singles, n * sizeof *singles);
        } else {
                put(sink, bytes, n * element_bytes(entry->kind));
        }
}

static int put_numbers(struct hap_array *array, const struct entry *entry, const struct form *form,
                       struct sink *sink, struct hap_error *err)
{
        int64_t bytes[CHUNK];

        for (uint64_t at = 0; at < entry->n; at += CHUNK) {
                const size_t n = hap_min(CHUNK, entry->n - at);

                if (hap_byte_store_take(&array->entries, bytes, n * element_bytes(entry->kind),
                                        err) < 0)
                        return err->code;
                put_chunk(entry, form, bytes, n, sink);
        }
        return HAP_OK;
}

static int put_entry(struct hap_array *array, const struct entry *entry, const struct form *form,
                     struct sink *sink, struct hap_error *err)
{
        if (form->text)
                return put_text(array, entry, form->characters, sink, err);
        if (form->shaped)
                return put_numbers(array, entry, form, sink, err);
        put_number(entry, form, sink);
        return HAP_OK;
}

/* --- members --- */

/* The header of NEP 1: its length, and so its whole, is a multiple of 64 bytes. */
static void put_header(const struct form *form, int n_dims, const uint64_t *shape,
                       struct sink *sink)
{
        char header[512], length[24] = "";
        size_t n;

        if (form->text)
                snprintf(length, sizeof length, "%zu", form->characters);
        n = (size_t)snprintf(header + 10, sizeof header - 10,
                             "{'descr': '%s%s', 'fortran_order': False, 'shape': (", form->type,
                             length) + 10;
        for (int i = 0; i < n_dims; i++)
                n += (size_t)snprintf(header + n, sizeof header - n, "%" PRIu64 "%s", shape[i],
                                      i < n_dims - 1 ? ", " : n_dims == 1 ? "," : "");
        n += (size_t)snprintf(header + n, sizeof header - n, "), }");
        while (n % 64 != 63)
                header[n++] = ' ';
        header[n++] = '\n';
        memcpy(header, "\x93NUMPY\x01", 8); /* version 1.0, with the NUL */
        header[8] = (char)((n - 10) & 0xff);
        header[9] = (char)((n - 10) >> 8);
        put(sink, header, n);
}

/* The whole array. */
static int put_array(struct hap_array *array, const struct form *form, struct sink *sink,
                     struct hap_error *err)
{
        uint64_t shape[1 + HAP_MAX_DIMS] = {array->n};
        struct entry entry;

        memcpy(shape + 1, array->shape, sizeof array->shape);
        put_header(form, form->shaped ? 1 + array->n_dims : 1, shape, sink);
        hap_byte_store_seek(&array->entries, 0);
        for (uint64_t i = 0; i < array->n; i++)
                if (read_entry(array, &entry, err) < 0 ||
                    put_entry(array, &entry, form, sink, err) < 0)
                        return err->code;
        return HAP_OK;
}

static int write_whole(struct hap_array *array, const struct form *form, struct hap_zip_out *zip,
                       struct hap_error *err)
{
        struct sink count = {.crc = crc32_z(0, NULL, 0)}, write = {.out = zip->out};
        char name[HAP_ARRAY_NAME + 8];

        snprintf(name, sizeof name, "%s.npy", array->name);
        if (put_array(array, form, &count, err) < 0 ||
            hap_zip_out_member(zip, name, (uint32_t)count.crc, count.bytes, err) < 0)
                return err->code;
        return put_array(array, form, &write, err);
}

/* The next entry alone: a list or a tensor. */
static int write_entry(struct hap_array *array, const struct entry *entry, uint64_t number,
                       const struct form *form, struct hap_zip_out *zip, struct hap_error *err)
{
        struct sink count = {.crc = crc32_z(0, NULL, 0)}, write = {.out = zip->out};
        const uint64_t at = array->entries.at;
        char name[HAP_ARRAY_NAME + 32];

        snprintf(name, sizeof name, "%s/%" PRIu64 ".npy", array->name, number);
        put_header(form, entry->n_dims, entry->shape, &count);
        if (put_numbers(array, entry, form, &count, err) < 0 ||
            hap_zip_out_member(zip, name, (uint32_t)count.crc, count.bytes, err) < 0)
                return err->code;
        hap_byte_store_seek(&array->entries, at);
        put_header(form, entry->n_dims, entry->shape, &write);
        return put_numbers(array, entry, form, &write, err);
}

static int write_each(struct hap_array *array, const struct form *form, struct hap_zip_out *zip,
                      struct hap_error *err)
{
        struct entry entry;

        hap_byte_store_seek(&array->entries, 0);
        for (uint64_t i = 0; i < array->n; i++) {
                if (read_entry(array, &entry, err) < 0)
                        return err->code;
                if (entry.kind != HAP_ENTRY_MISSING &&
                    write_entry(array, &entry, i, form, zip, err) < 0)
                        return err->code;
        }
        return HAP_OK;
}

static struct form form_of(const struct hap_array *array)
{
        const uint64_t *n = array->n_of;
        const uint64_t lists = n[HAP_ENTRY_INTS] + n[HAP_ENTRY_FLOATS];
        const uint64_t numbers = n[HAP_ENTRY_BOOL] + n[HAP_ENTRY_INT] + n[HAP_ENTRY_FLOAT];

        if (n[HAP_ENTRY_TEXT] || (lists && numbers))
                return (struct form){.type = "<U", .text = true};
        if (lists)
                return (struct form){.type = n[HAP_ENTRY_FLOATS] ? "<f8" : "<i8", .shaped = true};
        if (array->shaped && n[HAP_ENTRY_F32] + n[HAP_ENTRY_BF16] == 0)
                return (struct form){.type = "<f2", .shaped = true, .halves = true};
        if (array->shaped)
                return (struct form){.type = "<f4", .shaped = true};
        if (n[HAP_ENTRY_BOOL] == array->n)
                return (struct form){.type = "|b1"};
        return (struct form){.type = n[HAP_ENTRY_INT] == array->n ? "<i8" : "<f8"};
}

int hap_array_write(struct hap_array *array, struct hap_zip_out *zip, struct hap_error *err)
{
        struct form form = form_of(array);

        if (form.text && find_longest(array, &form.characters, err) < 0)
                return err->code;
        if (form.shaped && (array->ragged || array->n_of[HAP_ENTRY_MISSING]))
                return write_each(array, &form, zip, err);
        return write_whole(array, &form, zip, err);
}
