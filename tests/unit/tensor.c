#include "stream_bytes.h"

static struct hap_tensor half_tensor(enum hap_dtype dtype, const uint16_t *half)
{
        return (struct hap_tensor){.dtype = dtype, .n_dims = 1, .shape = {9}, .n = 9, .data = half};
}

/* 9 at a time: the vector path and the scalar one after it. */
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
                double value =
                        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
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

/* values: what is written; wanted: the expected bits. */
static const float to_write[9] = {1.0F, 1.00048828125F, 1.00146484375F, 65504.0F, 5.9604645e-8F,
                                  2.9802322e-8F, -0.1F, 6.1e-5F, 1.00048828125F};
static const uint16_t f16_wanted[9] = {0x3c00, 0x3c00, 0x3c02, 0x7bff, 0x0001,
                                       0x0000, 0xae66, 0x03ff, 0x3c00};
static const uint16_t bf16_wanted[9] = {0x3f80, 0x3f80, 0x3f80, 0x4780, 0x3380,
                                        0x3300, 0xbdcd, 0x3880, 0x3f80};
static enum hap_dtype dtype_to_write;

static int write_halves(struct hap_stream_out *out)
{
        static const size_t shape[] = {9};

        hap_stream_out_record(out);
        return hap_stream_out_tensor(out, dtype_to_write, 1, shape, to_write, &err);
}

/* f16 ties: 1 + 2^-11 is between 1 and 1 + 2^-10 and is rounded to the even one. */
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
        struct hap_stream_out *out;

        CHECK(hap_stream_out_open(&out, "/dev/null", false, &err) == 0);
        hap_stream_out_record(out);
        CHECK(hap_stream_out_tensor(out, HAP_F16, 1, shape, large, &err) == HAP_EINPUT);
        CHECK_TEXT(err.message, "cannot write 70000 as f16; use bf16 or f32");
        CHECK(hap_stream_out_tensor(out, HAP_F16, 1, shape, infinite, &err) == 0);
        CHECK(hap_stream_out_tensor(out, HAP_BF16, 1, shape, large, &err) == 0);
        hap_stream_out_abandon(out);
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
                   "a tensor needs a shape of at most 4 dimensions");
        CHECK_TEXT(tensor_refusal("\x83\xa5" "dtype" "\xa3" "f32" "\xa5" "shape"
                                  "\x92\xcf\x80\0\0\0\0\0\0\0\x02" DATA, 39),
                   "a tensor's shape is out of range");
        CHECK_TEXT(tensor_refusal("\xa1" "x", 2), "not a tensor");
}

RUN_TESTS
