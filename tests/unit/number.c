#include "unit.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/base64.h"
#include "common/number.h"
#include "common/random.h"

static struct hap_error err;

static int whole(const char *text, int64_t *value)
{
        return hap_parse_int(text, "n", -100, 1000, value, &err);
}

static int real(const char *text, double *value)
{
        return hap_parse_real(text, "x", -10, 10, value, &err);
}

TEST("whole numbers within their range are read")
{
        static const struct { const char *text; int64_t value; } cases[] = {
                {"0", 0}, {"7", 7}, {"-100", -100}, {"1000", 1000}, {"007", 7}, {"-0", 0},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int64_t value = 12345;

                CHECK(whole(cases[i].text, &value) == 0);
                CHECK(value == cases[i].value);
        }
}

TEST("a text that is not entirely a whole number is refused")
{
        static const char *const cases[] = {"", "-", "100-2", "1e2", "1.0", " 1", "1 ", "+1", "0x10",
                                            "--1", "1001", "-101", "99999999999999999999", "nan"};

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int64_t value = 12345;

                CHECK(whole(cases[i], &value) == HAP_EUSAGE);
                CHECK(value == 12345);
        }
}

TEST("the widest range contains the largest numbers and no larger")
{
        int64_t value = 0;

        CHECK(hap_parse_int("9223372036854775807", "n", INT64_MIN, INT64_MAX, &value, &err) == 0);
        CHECK(value == INT64_MAX);
        CHECK(hap_parse_int("9223372036854775808", "n", INT64_MIN, INT64_MAX, &value, &err) < 0);
}

TEST("real numbers within their range are read")
{
        double value;

        CHECK(real("1.5", &value) == 0);
        CHECK_NEAR(value, 1.5, 0);
        CHECK(real("-1e-3", &value) == 0);
        CHECK_NEAR(value, -0.001, 0);
        CHECK(real(".5", &value) == 0);
        CHECK_NEAR(value, 0.5, 0);
        CHECK(real("10", &value) == 0);
        CHECK_NEAR(value, 10, 0);
}

TEST("a text that is not entirely a real number is refused")
{
        static const char *const cases[] = {"", "1e", "nan", "inf", "-inf", "1.5x", "0x1p3", " 1", "1,5",
                                            "1.2.3", "11", "-10.5", "1e999", "1-2", "."};

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                double value = 12345;

                CHECK(real(cases[i], &value) == HAP_EUSAGE);
                CHECK_NEAR(value, 12345, 0);
        }
}

TEST("a message names the option, the text and the range")
{
        int64_t value;

        hap_parse_int("5000", "option '--steps'", 1, 100, &value, &err);
        CHECK_TEXT(err.message, "option '--steps': 5000 is not between 1 and 100");
        hap_parse_int("ten", "option '--steps'", 1, 100, &value, &err);
        CHECK_TEXT(err.message, "option '--steps': 'ten' is not a whole number");
}

TEST("an amount is a number of things or a share of them")
{
        struct hap_count_or_percent amount = {0};

        CHECK(hap_parse_count_or_percent("20%", "keep", &amount, &err) == 0);
        CHECK(amount.given && amount.percent);
        CHECK(hap_count_or_percent_of(&amount, 32491) == 6498); /* 6498.2 */
        CHECK(hap_count_or_percent_of(&amount, 0) == 0);
        CHECK(hap_parse_count_or_percent("1.5%", "keep", &amount, &err) == 0);
        CHECK(hap_count_or_percent_of(&amount, 479) == 7); /* 7.185 */
        CHECK(hap_count_or_percent_of(&amount, 100) == 2); /* half goes up */
        CHECK(hap_parse_count_or_percent("300", "keep", &amount, &err) == 0);
        CHECK(!amount.percent);
        CHECK(hap_count_or_percent_of(&amount, 479) == 300);
        CHECK(hap_count_or_percent_of(&amount, 200) == 200);
}

TEST("an invalid amount is refused")
{
        static const char *const cases[] = {"", "%", "101%", "-1%", "-1", "20 %", "1.5", "20%%", "many"};

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct hap_count_or_percent amount = {0};

                CHECK(hap_parse_count_or_percent(cases[i], "keep", &amount, &err) == HAP_EUSAGE);
                CHECK(!amount.given);
        }
}

/* The known answers that Random123 ships for philox4x32-10. */
TEST("Philox gives the known answers of Random123")
{
        static const struct { uint32_t counter[4], key[2], out[4];
        } known[] = {
                {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                {{~0U, ~0U, ~0U, ~0U},
                 {~0U, ~0U},
                 {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                 {0xa4093822, 0x299f31d0},
                 {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                uint32_t out[4];

                hap_philox4x32(known[i].counter, known[i].key, out);
                CHECK(memcmp(out, known[i].out, sizeof(out)) == 0);
        }
}

TEST("seed, stream and both counters each change the word")
{
        struct hap_random_key key = {1, 2};
        uint64_t word = hap_random_word(key, 3, 4);

        CHECK(word == hap_random_word(key, 3, 4));
        CHECK(word != hap_random_word(key, 4, 3));
        CHECK(word != hap_random_word(key, 3, 5));
        CHECK(word != hap_random_word((struct hap_random_key){2, 1}, 3, 4));
        CHECK(word != hap_random_word((struct hap_random_key){1, 3}, 3, 4));
}

TEST("uniform numbers have the mean, variance and range of the law")
{
        struct hap_random_key key = {7, 0};
        double sum = 0, squares = 0;
        int n = 200000;

        for (int k = 0; k < n; k++) {
                double u = hap_random_uniform(key, 0, (uint64_t)k);

                CHECK(u > 0 && u < 1);
                sum += u;
                squares += u * u;
        }
        CHECK_NEAR(sum / n, 0.5, 4 * sqrt(1.0 / 12 / n));
        CHECK_NEAR(squares / n, 1.0 / 3, 4 * sqrt(4.0 / 45 / n));
}

TEST("normal numbers have the moments of the law")
{
        struct hap_random_key key = {7, 1};
        double sum = 0, squares = 0, fourths = 0;
        int n = 200000;

        for (int k = 0; k < n; k++) {
                double x = hap_random_normal(key, 5, (uint64_t)k);

                sum += x;
                squares += x * x;
                fourths += x * x * x * x;
        }
        CHECK_NEAR(sum / n, 0, 4 / sqrt(n));
        CHECK_NEAR(squares / n, 1, 4 * sqrt(2.0 / n));
        CHECK_NEAR(fourths / n, 3, 4 * sqrt(96.0 / n));
}

TEST("a filled run is the same wherever it begins and ends")
{
        struct hap_random_key key = {3, 4};
        float whole_run[1000], part[1000];

        hap_random_fill(key, 9, 0, 1000, whole_run);
        for (size_t first = 0; first < 200; first += 7)
                for (size_t n = 0; n < 300; n += 53) {
                        hap_random_fill(key, 9, first, n, part);
                        CHECK(memcmp(part, whole_run + first, n * sizeof(*part)) == 0);
                }
        hap_random_fill(key, 10, 0, 1000, part);
        CHECK(memcmp(part, whole_run, sizeof(part)) != 0);
}

TEST("filled numbers have the mean, variance and limits of the law")
{
        static float values[1 << 20];
        struct hap_random_key key = {11, 0};
        double sum = 0, squares = 0, n = 1 << 20;

        hap_random_fill(key, 0, 0, 1 << 20, values);
        for (size_t k = 0; k < 1 << 20; k++) {
                CHECK(values[k] >= 0x1p-24F && values[k] <= 1 - 0x1p-24F);
                sum += (double)values[k];
                squares += (double)values[k] * (double)values[k];
        }
        CHECK_NEAR(sum / n, 0.5, 4 * sqrt(1.0 / 12 / n));
        CHECK_NEAR(squares / n, 1.0 / 3, 4 * sqrt(4.0 / 45 / n));
}

TEST("a shuffle is a permutation, and every item is equally likely at every place")
{
        int counts[4][4] = {{0}};
        uint32_t order[1000];
        bool seen[1000] = {false};

        hap_random_shuffle((struct hap_random_key){1, 0}, 0, 1000, order);
        for (int k = 0; k < 1000; k++) {
                CHECK(order[k] < 1000 && !seen[order[k]]);
                seen[order[k]] = true;
        }
        for (uint64_t i = 0; i < 8000; i++) {
                hap_random_shuffle((struct hap_random_key){1, 0}, i, 4, order);
                for (int k = 0; k < 4; k++)
                        counts[k][order[k]]++;
        }
        for (int k = 0; k < 16; k++) /* 2000 each, standard deviation 39 */
                CHECK_NEAR(counts[k / 4][k % 4], 2000, 160);
}

TEST("epochs are consecutive shuffles, and reading may begin anywhere")
{
        const struct hap_random_key key = {3, 1};
        uint32_t all[28], order[7], expected[7], part[5];

        hap_random_epochs(key, 7, 0, 28, order, all);
        for (uint64_t epoch = 0; epoch < 4; epoch++) {
                hap_random_shuffle(key, epoch, 7, expected);
                for (int k = 0; k < 7; k++)
                        CHECK(all[epoch * 7 + k] == expected[k]);
        }
        for (uint64_t first = 0; first <= 23; first++) {
                hap_random_epochs(key, 7, first, 5, order, part);
                for (int k = 0; k < 5; k++)
                        CHECK(part[k] == all[first + k]);
        }
}

TEST("arena memory is zero, aligned, apart, and its own until released")
{
        struct hap_arena arena;
        unsigned char *blocks[200];

        hap_arena_init(&arena);
        for (size_t i = 0; i < 200; i++) {
                size_t size = i % 50 ? i * 13 : 300000;

                blocks[i] = hap_arena_alloc(&arena, size, 1);
                CHECK(blocks[i] && (uintptr_t)blocks[i] % 64 == 0);
                for (size_t k = 0; k < size; k++)
                        CHECK(blocks[i][k] == 0);
                memset(blocks[i], (int)i + 1, size);
        }
        for (size_t i = 1; i < 200; i++)
                CHECK(i % 50 == 0 || blocks[i][i * 13 - 1] == (unsigned char)(i + 1));
        hap_arena_release(&arena);
        CHECK(arena.bytes == 0);
}

TEST("an arena refuses sizes that overflow")
{
        struct hap_arena arena;
        size_t product;

        hap_arena_init(&arena);
        CHECK(hap_arena_alloc(&arena, SIZE_MAX / 2, 3) == NULL);
        CHECK(hap_arena_alloc(&arena, SIZE_MAX - 10, 1) == NULL);
        CHECK(hap_size_mul(SIZE_MAX / 2, 3, &product) < 0);
        CHECK(hap_size_mul(1000, 1000, &product) == 0 && product == 1000000);
        CHECK_TEXT(hap_arena_text(&arena, "cut here", 3), "cut");
        hap_arena_release(&arena);
}

/* RFC 4648, section 10. */
TEST("base64 gives the examples of its standard, and takes no other spelling")
{
        static const char *const texts[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
        static const char *const bad[] = {"Z", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9v", "Zm-_"};
        char text[16], data[16];

        for (size_t n = 0; n <= 6; n++) {
                memset(text, 0, sizeof(text));
                hap_base64_encode("foobar", n, text);
                CHECK_TEXT(text, texts[n]);
                CHECK(hap_base64_length(n) == strlen(texts[n]));
                CHECK(hap_base64_decode(texts[n], strlen(texts[n]), data) == (long long)n);
                CHECK(memcmp(data, "foobar", n) == 0);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                CHECK(hap_base64_decode(bad[i], strlen(bad[i]), data) < 0);
}

TEST("sizes are read with their units, of 1000 or of 1024")
{
        static const struct { const char *text; size_t bytes; } cases[] = {
                {"1", 1}, {"4096", 4096}, {"900M", 900000000}, {"4G", 4000000000},
                {"1.5G", 1500000000}, {"2Ki", 2048}, {"1KiB", 1024}, {"3KB", 3000}, {"7B", 7},
                {"1Ti", (size_t)1 << 40}, {"2T", 2000000000000}, {"0.5Mi", 524288},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t bytes = 0;

                CHECK(hap_parse_size(cases[i].text, "n", &bytes, &err) == 0);
                CHECK(bytes == cases[i].bytes);
        }
}

TEST("an invalid size is refused")
{
        static const char *const cases[] = {"", "G", "-1G", "+1G", "1 G", "1g", "1GG", "1iG", "1i", "1Bi",
                                            "1BB", "1e3", "0", "0G", "0.1", ".", "1.2.3M", "1KiK",
                                            "2000000T", "99999999999999999999", "nan", "0x10",
                                            "1111111111111111111111111111111111111111"};

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t bytes = 12345;

                CHECK(hap_parse_size(cases[i], "n", &bytes, &err) == HAP_EUSAGE);
                CHECK(bytes == 12345);
        }
}

RUN_TESTS
