/* A safetensors file, and every way in which one can be corrupt. */
#include <stdint.h>
#include <stdlib.h>

#include "model/safetensors.h"
#include "unit.h"

struct file {
        unsigned char bytes[8192];
        size_t size;
};

/* A file with this header and `data` bytes 0, 1, 2 … after it. */
static struct file file_with(const char *header, size_t data)
{
        struct file f = {.size = 8 + strlen(header) + data};
        uint64_t length = strlen(header);

        for (int i = 0; i < 8; i++)
                f.bytes[i] = (unsigned char)(length >> 8 * i);
        memcpy(f.bytes + 8, header, strlen(header));
        for (size_t i = 0; i < data; i++)
                f.bytes[8 + strlen(header) + i] = (unsigned char)i;
        return f;
}

/* Reads the file from memory that ends where the file ends. */
static int read_file(const struct file *f, struct hap_store *store, struct hap_error *err)
{
        unsigned char *copy = malloc(f->size ? f->size : 1);
        struct hap_file_map map = {.data = copy, .size = f->size};
        int rc;

        memcpy(copy, f->bytes, f->size);
        *store = (struct hap_store){0};
        rc = hap_safetensors_read(store, &map, "x.safetensors", err);
        free(copy);
        return rc;
}

static void refused(struct file f, const char *why)
{
        struct hap_store store;
        struct hap_error err = {0};

        CHECK(read_file(&f, &store, &err) == HAP_EINPUT);
        if (!strstr(err.message, why) || !strstr(err.message, "x.safetensors")) {
                printf("# '%s' does not say '%s'\n", err.message, why);
                CHECK(0);
        }
        hap_store_close(&store);
}

#define A(shape, offsets) "\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define B(shape, offsets) "\"b\":{\"dtype\":\"F16\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

TEST("tensors are found by name, with dtype, shape and bytes")
{
        struct file f = file_with("{\"__metadata__\":{\"x\":\"y\"}," B("[3]", "[8,14]") ","
                                  A("[1,2]", "[0,8]") "}  ", 14);
        struct hap_file_map map = {.data = f.bytes, .size = f.size};
        struct hap_store store = {0};
        struct hap_error err = {0};
        const struct hap_stored *a, *b;

        CHECK(hap_safetensors_read(&store, &map, "x", &err) == 0);
        CHECK(hap_store_sort(&store, "x", &err) == 0);
        CHECK(store.n == 2);
        a = hap_store_find(&store, "a");
        b = hap_store_find(&store, "b");
        CHECK(a && a->kind == HAP_STORED_F32 && a->n_dims == 2 && a->shape[0] == 1 &&
              a->shape[1] == 2 && a->n == 2 && a->bytes == 8 && a->data[0] == 0);
        CHECK(b && b->kind == HAP_STORED_F16 && b->n == 3 && b->bytes == 6 && b->data[0] == 8);
        CHECK(!hap_store_find(&store, "c"));
        hap_store_close(&store);
}

TEST("a file cut anywhere is refused")
{
        struct file f = file_with("{" A("[1,2]", "[0,8]") "," B("[3]", "[8,14]") "}", 14);
        struct hap_store store;
        struct hap_error err;

        for (size_t size = f.size; size-- > 0;) {
                f.size = size;
                CHECK(read_file(&f, &store, &err) == HAP_EINPUT);
                hap_store_close(&store);
        }
}

TEST("a header longer than the file is refused")
{
        struct file f = file_with("{}", 0);

        f.bytes[0] = 3;
        refused(f, "its header would have 3 bytes");
}

TEST("a header's length near 2^64 is refused")
{
        struct file f = file_with("{}", 0);

        memset(f.bytes, 0xff, 8);
        refused(f, "18446744073709551615");
}

TEST("a header that is not JSON is refused") { refused(file_with("{]", 0), "not JSON"); }
TEST("a header that is a list is refused") { refused(file_with("[]", 0), "not an object"); }
TEST("a name that occurs twice is refused")
{
        refused(file_with("{" A("[1]", "[0,4]") "," A("[1]", "[4,8]") "}", 8), "duplicate");
}
TEST("a name with a NUL in it is refused")
{
        refused(file_with("{\"a\\u0000b\":{}}", 0), "not JSON");
}
TEST("an entry that is not an object is refused")
{
        refused(file_with("{\"a\":7}", 0), "'a': its entry");
}
TEST("an unknown dtype is refused")
{
        refused(file_with("{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
                "'a': its dtype");
}
TEST("a missing dtype is refused")
{
        refused(file_with("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4), "'a': its dtype");
}
TEST("a negative size is refused") { refused(file_with("{" A("[-1]", "[0,4]") "}", 4), "'a': its shape"); }
TEST("a size that is a fraction is refused")
{
        refused(file_with("{" A("[1.0]", "[0,4]") "}", 4), "'a': its shape");
}
TEST("nine dimensions are refused")
{
        refused(file_with("{" A("[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4), "'a': its shape");
}
TEST("sizes whose product overflows are refused")
{
        refused(file_with("{" A("[4294967296,4294967296]", "[0,0]") "}", 0), "'a': its shape");
        refused(file_with("{" A("[4611686018427387904]", "[0,0]") "}", 0), "do not fit");
}
TEST("three offsets are refused")
{
        refused(file_with("{" A("[1]", "[0,4,8]") "}", 4), "'a': its data_offsets");
}
TEST("negative offsets are refused")
{
        refused(file_with("{" A("[1]", "[-4,0]") "}", 4), "'a': its data_offsets");
}
TEST("offsets that decrease are refused")
{
        refused(file_with("{" A("[1]", "[4,0]") "}", 4), "'a': its data_offsets");
}
TEST("offsets after the end of the file are refused")
{
        refused(file_with("{" A("[1]", "[4,8]") "}", 4), "'a': it extends past the end");
}
TEST("bytes that do not fit the shape are refused")
{
        refused(file_with("{" A("[2]", "[0,4]") "}", 4), "'a': its bytes do not fit");
}
TEST("tensors that overlap are refused")
{
        refused(file_with("{" A("[2]", "[0,8]") "," B("[2]", "[6,10]") "}", 10),
                "'b': it overlaps");
}
TEST("a hole between tensors is refused")
{
        refused(file_with("{" A("[1]", "[0,4]") "," B("[1]", "[6,8]") "}", 8), "'b': there is a hole");
}
TEST("bytes after the last tensor are refused")
{
        refused(file_with("{" A("[1]", "[0,4]") "}", 9), "5 bytes at its end");
}

TEST("a tensor of two shards is refused")
{
        struct file f = file_with("{" A("[1]", "[0,4]") "}", 4);
        struct hap_file_map map = {.data = f.bytes, .size = f.size};
        struct hap_store store = {0};
        struct hap_error err = {0};

        CHECK(hap_safetensors_read(&store, &map, "x", &err) == 0);
        CHECK(hap_safetensors_read(&store, &map, "y", &err) == 0);
        CHECK(hap_store_sort(&store, "the index", &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "tensor 'a' occurs twice") != NULL);
        hap_store_close(&store);
}

RUN_TESTS
