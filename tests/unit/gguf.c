/* A GGUF file, and every way in which one can be corrupt. */
#include <stdint.h>
#include <stdlib.h>

#include "common/gguf.h"
#include "model/store.h"
#include "unit.h"

struct file {
        unsigned char bytes[4096];
        size_t size;
};

static void put(struct file *f, uint64_t value, int bytes)
{
        for (int i = 0; i < bytes; i++)
                f->bytes[f->size++] = (unsigned char)(value >> 8 * i);
}

static void put_text(struct file *f, const char *text)
{
        put(f, strlen(text), 8);
        memcpy(f->bytes + f->size, text, strlen(text));
        f->size += strlen(text);
}

static void put_head(struct file *f, uint64_t n_tensors, uint64_t n_values)
{
        memcpy(f->bytes, "GGUF", 4);
        f->size = 4;
        put(f, 3, 4);
        put(f, n_tensors, 8);
        put(f, n_values, 8);
}

static void put_key(struct file *f, const char *key, unsigned type)
{
        put_text(f, key);
        put(f, type, 4);
}

/* The entry of a tensor of `columns` x `rows`. */
static void put_tensor(struct file *f, const char *name, uint64_t columns, uint64_t rows,
                       unsigned type, uint64_t offset)
{
        put_text(f, name);
        put(f, 2, 4);
        put(f, columns, 8);
        put(f, rows, 8);
        put(f, type, 4);
        put(f, offset, 8);
}

/* Zeros up to a multiple of 32, then this many bytes. */
static void put_data(struct file *f, size_t n)
{
        while (f->size % 32)
                put(f, 0, 1);
        for (size_t i = 0; i < n; i++)
                put(f, i & 255, 1);
}

/* Parses a copy that ends where the file ends. */
static int parse(const struct file *f, struct hap_gguf *g, unsigned char **copy,
                 struct hap_error *err)
{
        *copy = malloc(f->size ? f->size : 1);
        memcpy(*copy, f->bytes, f->size);
        *g = (struct hap_gguf){0};
        return hap_gguf_parse(g, *copy, f->size, "x.gguf", err);
}

static void refused(const struct file *f, const char *why)
{
        struct hap_error err = {0};
        struct hap_gguf g;
        unsigned char *copy;

        CHECK(parse(f, &g, &copy, &err) == HAP_EINPUT);
        if (!strstr(err.message, why) || !strstr(err.message, "x.gguf")) {
                printf("# '%s' does not say '%s'\n", err.message, why);
                CHECK(0);
        }
        CHECK(g.values == NULL && g.tensors == NULL);
        free(copy);
}

static struct file good(void)
{
        static const char *const words[] = {"one", "", "drei"};
        struct file f;

        put_head(&f, 2, 6);
        put_key(&f, "z.count", HAP_GGUF_U32);
        put(&f, 4000000000u, 4);
        put_key(&f, "a.real", HAP_GGUF_F32);
        put(&f, 0x3fc00000, 4);
        put_key(&f, "a.flag", HAP_GGUF_BOOL);
        put(&f, 1, 1);
        put_key(&f, "a.name", HAP_GGUF_TEXT);
        put_text(&f, "hello");
        put_key(&f, "a.words", HAP_GGUF_ARRAY);
        put(&f, HAP_GGUF_TEXT, 4);
        put(&f, 3, 8);
        for (int i = 0; i < 3; i++)
                put_text(&f, words[i]);
        put_key(&f, "a.numbers", HAP_GGUF_ARRAY);
        put(&f, HAP_GGUF_I16, 4);
        put(&f, 2, 8);
        put(&f, 0xffff, 2);
        put(&f, 300, 2);
        put_tensor(&f, "w", 32, 2, 3, 0); /* Q4_1: 40 bytes */
        put_tensor(&f, "v", 3, 1, 0, 64);
        put_data(&f, 64 + 12);
        return f;
}

TEST("metadata are found by key and type")
{
        struct file f = good();
        struct hap_gguf g;
        struct hap_error err = {0};
        struct hap_gguf_text text, *words;
        unsigned char *copy;
        int64_t count = 0, *numbers;
        bool flag = false;
        size_t n;

        CHECK(parse(&f, &g, &copy, &err) == 0);
        CHECK(hap_gguf_int(&g, "z.count", &count, &err) == 1 && count == 4000000000);
        CHECK(hap_gguf_element_real(hap_gguf_find(&g, "a.real"), 0) == 1.5);
        CHECK(hap_gguf_element_real(hap_gguf_find(&g, "z.count"), 0) == 4e9);
        CHECK(hap_gguf_bool(&g, "a.flag", &flag, &err) == 1 && flag);
        CHECK(hap_gguf_text(&g, "a.name", &text, &err) == 1 && text.length == 5 &&
              memcmp(text.text, "hello", 5) == 0);
        CHECK(hap_gguf_texts(&g, "a.words", &words, &n, &err) == 1 && n == 3 &&
              words[1].length == 0 && memcmp(words[2].text, "drei", 4) == 0);
        CHECK(hap_gguf_ints(&g, "a.numbers", &numbers, &n, &err) == 1 && n == 2 &&
              numbers[0] == -1 && numbers[1] == 300);
        CHECK(hap_gguf_int(&g, "a.nam", &count, &err) == 0 && count == 4000000000);
        CHECK(hap_gguf_int(&g, "a.name", &count, &err) == HAP_EINPUT);
        CHECK(hap_gguf_text(&g, "a.real", &text, &err) == HAP_EINPUT);
        CHECK(hap_gguf_bool(&g, "z.count", &flag, &err) == HAP_EINPUT);
        free(words);
        free(numbers);
        hap_gguf_close(&g);
        free(copy);
}

TEST("tensors have shape, outermost size first, type and address")
{
        struct file f = good();
        struct hap_gguf g;
        struct hap_error err = {0};
        unsigned char *copy;

        CHECK(parse(&f, &g, &copy, &err) == 0);
        CHECK(g.n_tensors == 2);
        CHECK(g.tensors[0].type == HAP_STORED_Q4_1 && g.tensors[0].shape[0] == 2 &&
              g.tensors[0].shape[1] == 32 && g.tensors[0].bytes == 40 &&
              g.tensors[0].data[39] == 39);
        CHECK(g.tensors[1].type == HAP_STORED_F32 && g.tensors[1].bytes == 12 &&
              g.tensors[1].data + 12 == copy + f.size);
        hap_gguf_close(&g);
        free(copy);
}

TEST("a file cut anywhere is refused")
{
        struct file f = good();
        struct hap_error err;
        struct hap_gguf g;
        unsigned char *copy;

        for (size_t size = f.size; size-- > 0;) {
                f.size = size;
                CHECK(parse(&f, &g, &copy, &err) == HAP_EINPUT);
                free(copy);
        }
}

TEST("another magic is refused")
{
        struct file f = good();

        f.bytes[3] = 'G';
        refused(&f, "not a GGUF file");
}

TEST("another version is refused by number")
{
        struct file f = good();

        f.bytes[4] = 1;
        refused(&f, "version 1");
        f.bytes[4] = 4;
        refused(&f, "version 4");
}

TEST("more tensors or metadata than the file can contain are refused")
{
        struct file f;

        put_head(&f, UINT64_MAX, 0);
        refused(&f, "too short for 18446744073709551615 tensors");
        put_head(&f, 0, UINT64_MAX / 2);
        refused(&f, "too short for 9223372036854775807 metadata");
}

TEST("a key longer than the format allows is refused")
{
        struct file f;

        put_head(&f, 0, 1);
        put(&f, 65536, 8);
        put_data(&f, 64);
        refused(&f, "the length of a key of its metadata is 65536, the limit is 65535");
}

TEST("a key that occurs twice is refused")
{
        struct file f;

        put_head(&f, 0, 2);
        for (int i = 0; i < 2; i++) {
                put_key(&f, "a.b", HAP_GGUF_U8);
                put(&f, 1, 1);
        }
        refused(&f, "'a.b' occurs twice");
}

TEST("a value of unknown type is refused")
{
        struct file f;

        put_head(&f, 0, 1);
        put_key(&f, "a.b", 13);
        put_data(&f, 16);
        refused(&f, "'a.b' has unknown type 13");
}

TEST("lists of lists and of unknown types are refused")
{
        static const unsigned types[] = {HAP_GGUF_ARRAY, 13, 0xffffffff};

        for (int i = 0; i < 3; i++) {
                struct file f;

                put_head(&f, 0, 1);
                put_key(&f, "a.b", HAP_GGUF_ARRAY);
                put(&f, types[i], 4);
                put(&f, 0, 8);
                put_data(&f, 16);
                refused(&f, "'a.b' has values of type");
        }
}

TEST("a list longer than the file is refused")
{
        static const unsigned types[] = {HAP_GGUF_U8, HAP_GGUF_F64, HAP_GGUF_TEXT};
        static const uint64_t lengths[] = {UINT64_MAX, (UINT64_MAX >> 3) + 2, UINT64_MAX};

        for (int i = 0; i < 3; i++) {
                struct file f;

                put_head(&f, 0, 1);
                put_key(&f, "a.b", HAP_GGUF_ARRAY);
                put(&f, types[i], 4);
                put(&f, lengths[i], 8);
                put_data(&f, 32);
                refused(&f, "truncated in metadata 'a.b'");
        }
}

TEST("a text longer than the file is refused")
{
        struct file f;

        put_head(&f, 0, 1);
        put_key(&f, "a.b", HAP_GGUF_TEXT);
        put(&f, UINT64_MAX - 7, 8);
        put_data(&f, 32);
        refused(&f, "the length of a text of its metadata is 18446744073709551608");
}

/* A file of one tensor that differs from a valid one in one field. */
static struct file one(uint64_t columns, uint64_t rows, unsigned type, uint64_t offset)
{
        struct file f;

        put_head(&f, 1, 0);
        put_tensor(&f, "w", columns, rows, type, offset);
        put_data(&f, 128);
        return f;
}

TEST("one good tensor is read")
{
        struct file f = one(4, 8, 0, 0);
        struct hap_error err = {0};
        struct hap_gguf g;
        unsigned char *copy;

        CHECK(parse(&f, &g, &copy, &err) == 0);
        CHECK(g.n_tensors == 1 && g.tensors[0].bytes == 128);
        hap_gguf_close(&g);
        free(copy);
}

TEST("a type that hap cannot read is refused by name")
{
        struct file f = one(256, 1, 40, 0);

        refused(&f, "tensor 'w' is stored as NVFP4 (type 40)");
        f = one(4, 4, 26, 0);
        refused(&f, "stored as I32");
        f = one(4, 4, 0xffffffff, 0);
        refused(&f, "unknown type (type 4294967295)");
}

TEST("sizes that are zero, huge or overflow are refused")
{
        struct file f = one(0, 4, 0, 0);

        refused(&f, "impossible size");
        f = one(UINT64_MAX, 1, 0, 0);
        refused(&f, "impossible size");
        f = one((uint64_t)1 << 62, 8, 0, 0);
        refused(&f, "impossible size");
        f = one((uint64_t)1 << 62, 1, 0, 0);
        refused(&f, "impossible size");
}

TEST("rows that are not whole blocks are refused")
{
        struct file f = one(48, 2, 3, 0);

        refused(&f, "rows of 48 values, not whole Q4_1 blocks of 32");
}

TEST("an offset that is not aligned is refused")
{
        struct file f = one(4, 4, 0, 16);

        refused(&f, "not aligned to 32 bytes");
}

TEST("a tensor after the end of the file is refused")
{
        struct file f = one(4, 8, 0, 32);

        refused(&f, "'w' extends past the end");
        f = one(4, 8, 0, 0xffffffffffffffe0);
        refused(&f, "'w' extends past the end");
}

TEST("no dimension and five dimensions are refused")
{
        for (unsigned n = 0; n <= 5; n += 5) {
                struct file f;

                put_head(&f, 1, 0);
                put_text(&f, "w");
                put(&f, n, 4);
                put_data(&f, 256);
                refused(&f, "dimensions, 1 to 4 are expected");
        }
}

TEST("a name longer than 64 bytes is refused")
{
        char name[66];
        struct file f;

        memset(name, 'n', 65);
        name[65] = 0;
        put_head(&f, 1, 0);
        put_tensor(&f, name, 4, 4, 0, 0);
        put_data(&f, 64);
        refused(&f, "the length of a tensor's name is 65, the limit is 64");
}

TEST("tensors that overlap are refused")
{
        struct file f;

        put_head(&f, 2, 0);
        put_tensor(&f, "v", 4, 4, 0, 32);
        put_tensor(&f, "w", 4, 4, 0, 0);
        put_data(&f, 128);
        refused(&f, "tensor 'v' overlaps");
}

TEST("an alignment that is not a power of two is refused")
{
        static const uint64_t values[] = {0, 48, 1 << 17};

        for (int i = 0; i < 3; i++) {
                struct file f;

                put_head(&f, 0, 1);
                put_key(&f, "general.alignment", HAP_GGUF_U32);
                put(&f, values[i], 4);
                put_data(&f, 32);
                refused(&f, "general.alignment");
        }
}

TEST("a tensor's name that occurs twice is refused by the store")
{
        struct hap_store store;
        struct hap_error err = {0};
        struct hap_gguf g;
        struct file f;
        unsigned char *copy;

        put_head(&f, 2, 0);
        put_tensor(&f, "w", 4, 4, 0, 0);
        put_tensor(&f, "w", 4, 4, 0, 64);
        put_data(&f, 128);
        CHECK(parse(&f, &g, &copy, &err) == 0);
        CHECK(hap_store_of_gguf(&store, &g, &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "tensor 'w' occurs twice") != NULL);
        hap_gguf_close(&g);
        free(copy);
}

RUN_TESTS
