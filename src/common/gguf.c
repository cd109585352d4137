/* A GGUF file: "GGUF", version, counts of tensors and of metadata; the metadata (key, type,
 * value); the tensors' names, sizes, types and offsets; then their bytes, aligned. */
#include "common/gguf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/storage.h"

#define MAX_KEY 65535u /* the format's own limits */
#define MAX_TENSOR_NAME 64u
#define MAX_ALIGNMENT 65536u
#define DEFAULT_ALIGNMENT 32u
/* The fewest bytes that one entry takes in a file. They bound the counts. */
#define LEAST_VALUE (8u + 4u + 1u)
#define LEAST_TENSOR (8u + 4u + 8u + 4u + 8u)

struct gguf_cursor {
        const unsigned char *data;
        size_t at, size;
        const char *path;
        struct hap_error *err;
};

__attribute__((format(printf, 2, 3))) static int bad(const struct gguf_cursor *c,
                                                     const char *format, ...)
{
        char why[400];
        va_list args;

        va_start(args, format);
        vsnprintf(why, sizeof(why), format, args);
        va_end(args);
        return hap_fail(c->err, HAP_EINPUT, "cannot read '%s': %s", c->path, why);
}

static uint64_t little_endian(const unsigned char *data, size_t bytes)
{
        uint64_t value = 0;

        while (bytes-- > 0)
                value = value << 8 | data[bytes];
        return value;
}

/* The next `n` bytes, or an error that names them by `what`. */
static int take_bytes(struct gguf_cursor *c, uint64_t n, const char *what,
                      const unsigned char **bytes)
{
        *bytes = c->data + c->at;
        if (n > c->size - c->at)
                return bad(c, "truncated in %s", what);
        c->at += (size_t)n;
        return 0;
}

static int take_u32(struct gguf_cursor *c, const char *what, uint32_t *value)
{
        const unsigned char *bytes;
        int rc = take_bytes(c, 4, what, &bytes);

        *value = rc < 0 ? 0 : (uint32_t)little_endian(bytes, 4);
        return rc;
}

static int take_u64(struct gguf_cursor *c, const char *what, uint64_t *value)
{
        const unsigned char *bytes;
        int rc = take_bytes(c, 8, what, &bytes);

        *value = rc < 0 ? 0 : little_endian(bytes, 8);
        return rc;
}

static int take_text(struct gguf_cursor *c, const char *what, uint64_t max,
                     struct hap_gguf_text *text)
{
        const unsigned char *bytes;
        uint64_t length;
        int rc = take_u64(c, what, &length);

        *text = (struct hap_gguf_text){"", 0};
        if (rc < 0)
                return rc;
        if (length > max)
                return bad(c, "the length of %s is %" PRIu64 ", the limit is %" PRIu64, what,
                           length, max);
        rc = take_bytes(c, length, what, &bytes);
        *text = (struct hap_gguf_text){(const char *)bytes, (size_t)length};
        return rc;
}

/* Bytes of one number; 0 for texts, arrays and unknown types. */
static size_t number_bytes(int type)
{
        static const unsigned char bytes[] = {
                [HAP_GGUF_U8] = 1,  [HAP_GGUF_I8] = 1,  [HAP_GGUF_U16] = 2, [HAP_GGUF_I16] = 2,
                [HAP_GGUF_U32] = 4, [HAP_GGUF_I32] = 4, [HAP_GGUF_F32] = 4, [HAP_GGUF_BOOL] = 1,
                [HAP_GGUF_U64] = 8, [HAP_GGUF_I64] = 8, [HAP_GGUF_F64] = 8,
        };

        return type >= 0 && (size_t)type < sizeof(bytes) ? bytes[type] : 0;
}

/* Skips the elements of a value and checks that the file contains them all. */
static int take_elements(struct gguf_cursor *c, struct hap_gguf_value *v, uint64_t n)
{
        size_t size = number_bytes(v->element_type);
        struct hap_gguf_text text;
        int rc;

        v->data = c->data + c->at;
        if (v->element_type != HAP_GGUF_TEXT && size == 0)
                return bad(c, "unsupported: metadata '%.*s' has values of type %d",
                           (int)v->key.length, v->key.text, v->element_type);
        /* An element takes at least one byte, a text at least eight. */
        if (n > (c->size - c->at) / (size ? size : 8))
                return bad(c, "truncated in metadata '%.*s'", (int)v->key.length, v->key.text);
        v->n = (size_t)n;
        if (size) {
                c->at += v->n * size;
                return 0;
        }
        for (size_t i = 0; i < v->n; i++)
                if ((rc = take_text(c, "a text of its metadata", c->size, &text)) < 0)
                        return rc;
        return 0;
}

static int take_value(struct gguf_cursor *c, struct hap_gguf_value *v)
{
        uint32_t type;
        uint64_t n = 1;
        int rc;

        if ((rc = take_text(c, "a key of its metadata", MAX_KEY, &v->key)) < 0 ||
            (rc = take_u32(c, "its metadata", &type)) < 0)
                return rc;
        if (type > HAP_GGUF_F64)
                return bad(c, "metadata '%.*s' has unknown type %u", (int)v->key.length,
                           v->key.text, type);
        v->type = v->element_type = (int)type;
        if (type == HAP_GGUF_ARRAY) {
                if ((rc = take_u32(c, "its metadata", &type)) < 0 ||
                    (rc = take_u64(c, "its metadata", &n)) < 0)
                        return rc;
                v->element_type = type > HAP_GGUF_F64 ? -1 : (int)type;
        }
        return take_elements(c, v, n);
}

static int compare_text(struct hap_gguf_text a, struct hap_gguf_text b)
{
        size_t n = a.length < b.length ? a.length : b.length;
        int order = memcmp(a.text, b.text, n);

        return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int by_key(const void *a, const void *b)
{
        const struct hap_gguf_value *x = a, *y = b;

        return compare_text(x->key, y->key);
}

static int take_values(struct gguf_cursor *c, struct hap_gguf *gguf, uint64_t n)
{
        int rc;

        if (n > (c->size - c->at) / LEAST_VALUE)
                return bad(c, "it is too short for %" PRIu64 " metadata", n);
        gguf->values = calloc((size_t)n + 1, sizeof(*gguf->values));
        if (!gguf->values)
                return hap_fail_memory(c->err, "the file's metadata");
        for (; gguf->n_values < n; gguf->n_values++)
                if ((rc = take_value(c, &gguf->values[gguf->n_values])) < 0)
                        return rc;
        qsort(gguf->values, gguf->n_values, sizeof(*gguf->values), by_key);
        for (size_t i = 1; i < gguf->n_values; i++)
                if (by_key(&gguf->values[i - 1], &gguf->values[i]) == 0)
                        return bad(c, "metadata '%.*s' occurs twice",
                                   (int)gguf->values[i].key.length, gguf->values[i].key.text);
        return 0;
}

/* ggml's numbers of types. */
static int storage_of(uint32_t type)
{
        static const unsigned char kinds[] = {
                [0] = HAP_STORED_F32,   [1] = HAP_STORED_F16,   [2] = HAP_STORED_Q4_0,
                [3] = HAP_STORED_Q4_1,  [6] = HAP_STORED_Q5_0,  [7] = HAP_STORED_Q5_1,
                [8] = HAP_STORED_Q8_0,  [12] = HAP_STORED_Q4_K, [13] = HAP_STORED_Q5_K,
                [14] = HAP_STORED_Q6_K, [28] = HAP_STORED_F64,  [30] = HAP_STORED_BF16,
                [10] = HAP_STORED_Q2_K, [11] = HAP_STORED_Q3_K, [16] = HAP_STORED_IQ2_XXS,
                [17] = HAP_STORED_IQ2_XS, [18] = HAP_STORED_IQ3_XXS, [19] = HAP_STORED_IQ1_S,
                [20] = HAP_STORED_IQ4_NL, [21] = HAP_STORED_IQ3_S, [22] = HAP_STORED_IQ2_S,
                [23] = HAP_STORED_IQ4_XS, [29] = HAP_STORED_IQ1_M, [34] = HAP_STORED_TQ1_0,
                [35] = HAP_STORED_TQ2_0, [39] = HAP_STORED_MXFP4,
        };

        return type < sizeof(kinds) ? kinds[type] : HAP_STORED_OTHER;
}

static const char *type_name(uint32_t type)
{
        static const char *const names[] = {
                "F32",     "F16",    "Q4_0",    "Q4_1",  "Q4_2",   "Q4_3",    "Q5_0",
                "Q5_1",    "Q8_0",   "Q8_1",    "Q2_K",  "Q3_K",   "Q4_K",    "Q5_K",
                "Q6_K",    "Q8_K",   "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL",
                "IQ3_S",   "IQ2_S",  "IQ4_XS",  "I8",    "I16",    "I32",     "I64",
                "F64",     "IQ1_M",  "BF16",    "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
                "TQ2_0",   "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4", "NVFP4",
        };

        return type < sizeof(names) / sizeof(*names) ? names[type] : "an unknown type";
}

/* The file lists the innermost size first; the order is reversed here. */
static int take_shape(struct gguf_cursor *c, struct hap_gguf_tensor *t)
{
        uint32_t n_dims;
        uint64_t size;
        int rc = take_u32(c, "its list of tensors", &n_dims);

        if (rc < 0)
                return rc;
        if (n_dims < 1 || n_dims > HAP_GGUF_MAX_DIMS)
                return bad(c, "tensor '%.*s' has %u dimensions, 1 to 4 are expected",
                           (int)t->name.length, t->name.text, n_dims);
        t->n_dims = (int)n_dims;
        t->n = 1;
        for (int i = t->n_dims - 1; i >= 0; i--) {
                if ((rc = take_u64(c, "its list of tensors", &size)) < 0)
                        return rc;
                t->shape[i] = (size_t)size;
                if (size == 0 || size > INT64_MAX || hap_size_mul(t->n, t->shape[i], &t->n) < 0)
                        return bad(c, "tensor '%.*s' has an impossible size",
                                   (int)t->name.length, t->name.text);
        }
        return 0;
}

/* `data` is still the offset from the first tensor. */
static int take_tensor(struct gguf_cursor *c, struct hap_gguf_tensor *t, uint64_t *offset)
{
        uint32_t type;
        size_t block;
        int rc;

        if ((rc = take_text(c, "a tensor's name", MAX_TENSOR_NAME, &t->name)) < 0 ||
            (rc = take_shape(c, t)) < 0 ||
            (rc = take_u32(c, "its list of tensors", &type)) < 0 ||
            (rc = take_u64(c, "its list of tensors", offset)) < 0)
                return rc;
        t->type = storage_of(type);
        if (t->type == HAP_STORED_OTHER)
                return bad(c, "unsupported: tensor '%.*s' is stored as %s (type %u)",
                           (int)t->name.length, t->name.text, type_name(type), type);
        block = hap_storage_block(t->type);
        if (t->shape[t->n_dims - 1] % block != 0)
                return bad(c, "tensor '%.*s' has rows of %zu values, not whole %s blocks of %zu",
                           (int)t->name.length, t->name.text, t->shape[t->n_dims - 1],
                           hap_storage_name(t->type), block);
        if (hap_size_mul(t->n / block, hap_storage_block_bytes(t->type), &t->bytes) < 0)
                return bad(c, "tensor '%.*s' has an impossible size", (int)t->name.length,
                           t->name.text);
        return 0;
}

static int by_place(const void *a, const void *b)
{
        const struct hap_gguf_tensor *x = *(struct hap_gguf_tensor *const *)a;
        const struct hap_gguf_tensor *y = *(struct hap_gguf_tensor *const *)b;

        return (x->data > y->data) - (x->data < y->data);
}

static int check_overlap(const struct gguf_cursor *c, const struct hap_gguf *gguf)
{
        struct hap_gguf_tensor **order = calloc(gguf->n_tensors + 1, sizeof(*order));
        int rc = 0;

        if (!order)
                return hap_fail_memory(c->err, "the file's tensors");
        for (size_t i = 0; i < gguf->n_tensors; i++)
                order[i] = &gguf->tensors[i];
        qsort(order, gguf->n_tensors, sizeof(struct hap_gguf_tensor *), by_place);
        for (size_t i = 1; i < gguf->n_tensors && rc == 0; i++)
                if (order[i]->data < order[i - 1]->data + order[i - 1]->bytes)
                        rc = bad(c, "tensor '%.*s' overlaps another", (int)order[i]->name.length,
                                 order[i]->name.text);
        free(order);
        return rc;
}

static int read_alignment(const struct gguf_cursor *c, const struct hap_gguf *gguf,
                          size_t *alignment)
{
        int64_t value = DEFAULT_ALIGNMENT;
        int rc = hap_gguf_int(gguf, "general.alignment", &value, c->err);

        if (rc < 0)
                return rc;
        if (value < 1 || value > MAX_ALIGNMENT || (value & (value - 1)) != 0)
                return bad(c, "general.alignment is %" PRId64 ", not a power of two up to %u",
                           value, MAX_ALIGNMENT);
        *alignment = (size_t)value;
        return 0;
}

/* Turns offsets into addresses after the list of tensors, and checks that each is aligned and
 * within the file. */
static int place_tensors(struct gguf_cursor *c, struct hap_gguf *gguf, const uint64_t *offsets)
{
        size_t alignment = DEFAULT_ALIGNMENT, rest;
        int rc = read_alignment(c, gguf, &alignment);

        if (rc < 0)
                return rc;
        rest = (alignment - c->at % alignment) % alignment;
        if (gguf->n_tensors > 0 && rest > c->size - c->at)
                return bad(c, "it ends before its tensors");
        for (size_t i = 0; i < gguf->n_tensors; i++) {
                struct hap_gguf_tensor *t = &gguf->tensors[i];
                size_t space = c->size - c->at - rest;

                if (offsets[i] % alignment != 0)
                        return bad(c, "tensor '%.*s' is not aligned to %zu bytes",
                                   (int)t->name.length, t->name.text, alignment);
                if (offsets[i] > space || t->bytes > space - offsets[i])
                        return bad(c, "tensor '%.*s' extends past the end of the file",
                                   (int)t->name.length, t->name.text);
                t->data = c->data + c->at + rest + offsets[i];
        }
        return check_overlap(c, gguf);
}

static int take_tensors(struct gguf_cursor *c, struct hap_gguf *gguf, uint64_t n)
{
        uint64_t *offsets;
        int rc = 0;

        if (n > (c->size - c->at) / LEAST_TENSOR)
                return bad(c, "it is too short for %" PRIu64 " tensors", n);
        gguf->tensors = calloc((size_t)n + 1, sizeof(*gguf->tensors));
        offsets = calloc((size_t)n + 1, sizeof(*offsets));
        if (!gguf->tensors || !offsets)
                rc = hap_fail_memory(c->err, "the file's tensors");
        for (; rc == 0 && gguf->n_tensors < n; gguf->n_tensors++)
                rc = take_tensor(c, &gguf->tensors[gguf->n_tensors],
                                 &offsets[gguf->n_tensors]);
        if (rc == 0)
                rc = place_tensors(c, gguf, offsets);
        free(offsets);
        return rc;
}

static int parse(struct gguf_cursor *c, struct hap_gguf *gguf)
{
        const unsigned char *magic;
        uint32_t version;
        uint64_t n_tensors, n_values;
        int rc;

        if (c->size < 4 || memcmp(c->data, "GGUF", 4) != 0)
                return bad(c, "not a GGUF file");
        if ((rc = take_bytes(c, 4, "its header", &magic)) < 0 ||
            (rc = take_u32(c, "its header", &version)) < 0)
                return rc;
        if (version != 0 && (version & 0xffff) == 0)
                return bad(c, "it is a big-endian GGUF file; gguf_convert_endian.py of Python's gguf "
                           "package makes it little-endian");
        if (version != 2 && version != 3)
                return bad(c, "unsupported: GGUF version %u (2 and 3 are known)", version);
        if ((rc = take_u64(c, "its header", &n_tensors)) < 0 ||
            (rc = take_u64(c, "its header", &n_values)) < 0 ||
            (rc = take_values(c, gguf, n_values)) < 0)
                return rc;
        return take_tensors(c, gguf, n_tensors);
}

int hap_gguf_parse(struct hap_gguf *gguf, const unsigned char *data, size_t size,
                   const char *path, struct hap_error *err)
{
        struct gguf_cursor c = {.data = data, .size = size, .path = path, .err = err};
        int rc;

        gguf->path = strdup(path);
        rc = gguf->path ? parse(&c, gguf) : hap_fail_memory(err, "a file's name");
        if (rc < 0)
                hap_gguf_close(gguf);
        return rc;
}

int hap_gguf_open(struct hap_gguf *gguf, const char *path, struct hap_error *err)
{
        int rc;

        *gguf = (struct hap_gguf){0};
        rc = hap_file_map_open(&gguf->map, path, err);
        return rc < 0 ? rc : hap_gguf_parse(gguf, gguf->map.data, gguf->map.size, path, err);
}

void hap_gguf_close(struct hap_gguf *gguf)
{
        free(gguf->values);
        free(gguf->tensors);
        free(gguf->path);
        hap_file_map_close(&gguf->map);
        *gguf = (struct hap_gguf){0};
}

bool hap_gguf_is(const char *path)
{
        char magic[4] = {0};
        FILE *file = fopen(path, "rbe");
        bool is;

        if (!file)
                return false;
        is = fread(magic, 1, 4, file) == 4 && memcmp(magic, "GGUF", 4) == 0;
        fclose(file);
        return is;
}
