#include "mutate.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"

/* --- seeds --- */

static void read_seed(struct fuzz_seed *seed, const char *folder, const char *name)
{
        char path[512];
        FILE *file;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        file = fopen(path, "rb");
        seed->name = strdup(name);
        seed->data = malloc(FUZZ_MAX_BYTES);
        MUST(file && seed->name && seed->data);
        seed->n = fread(seed->data, 1, FUZZ_MAX_BYTES, file);
        fclose(file);
}

static int is_seed(const struct dirent *entry)
{
        return *entry->d_name != '.';
}

/* Not alphasort(), whose order is the locale's. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

void fuzz_corpus_read(struct fuzz_corpus *corpus, const struct fuzz_target *target)
{
        fuzz_corpus_read_from(corpus, "corpus", target->seeds ? target->seeds : target->name);
}

void fuzz_corpus_read_from(struct fuzz_corpus *corpus, const char *kind, const char *name)
{
        char folder[256];
        struct dirent **names;
        int n;

        snprintf(folder, sizeof folder, "tests/fuzz/%s/%s", kind, name);
        n = scandir(folder, &names, is_seed, by_name);
        MUST(n > 0);
        corpus->n = (size_t)n;
        corpus->seeds = calloc(corpus->n, sizeof *corpus->seeds);
        MUST(corpus->seeds != NULL);
        for (size_t i = 0; i < corpus->n; i++) {
                read_seed(corpus->seeds + i, folder, names[i]->d_name);
                free(names[i]);
        }
        free(names);
}

void fuzz_corpus_release(struct fuzz_corpus *corpus)
{
        for (size_t i = 0; i < corpus->n; i++) {
                free(corpus->seeds[i].name);
                free(corpus->seeds[i].data);
        }
        free(corpus->seeds);
        *corpus = (struct fuzz_corpus){0};
}

/* --- changes --- */

/* An input that is being changed, and where the random numbers and what is put in come from. */
struct changing {
        uint8_t *data;
        size_t n, capacity;
        const struct fuzz_corpus *corpus;
        struct hap_random_key key;
        uint64_t i, rolls;
};

struct span {
        const uint8_t *data;
        size_t n;
};

static size_t roll(struct changing *c, size_t sides)
{
        return (size_t)(hap_random_word(c->key, c->i, c->rolls++) % sides);
}

/* A length up to `max`, mostly a small one. */
static size_t roll_length(struct changing *c, size_t max)
{
        static const size_t most[] = {4, 4, 16, 64, SIZE_MAX};

        return 1 + roll(c, hap_min(max, most[roll(c, 5)]));
}

/* Puts m bytes in place of the n at `at`. What does not fit is left as it is. */
static void put(struct changing *c, size_t at, size_t n, const void *bytes, size_t m)
{
        uint8_t copy[4096]; /* the bytes may be those of the input */

        if (m > sizeof copy || c->n - n + m > c->capacity)
                return;
        if (m)
                memcpy(copy, bytes, m);
        memmove(c->data + at + m, c->data + at + n, c->n - at - n);
        if (m)
                memcpy(c->data + at, copy, m);
        c->n = c->n - n + m;
}

/* A seed, or the input itself. */
static struct span source(struct changing *c)
{
        const struct fuzz_seed *seed = c->corpus ? c->corpus->seeds + roll(c, c->corpus->n) : NULL;

        return seed && seed->n > 0 ? (struct span){seed->data, seed->n} : (struct span){c->data, c->n};
}

static void change_byte(struct changing *c)
{
        c->data[roll(c, c->n)] = (uint8_t)roll(c, 256);
}

static void change_bit(struct changing *c)
{
        c->data[roll(c, c->n)] ^= (uint8_t)(1U << roll(c, 8));
}

/* A number that is at an edge of its type, or the one that is there and a little more. */
static void change_number(struct changing *c)
{
        static const uint64_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000,
                                         0xffffffff, 0x100000000, 0x7ff0000000000000, 0x7fc00000,
                                         0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff};
        const size_t width = (size_t)1 << roll(c, 4), at = roll(c, c->n);
        const bool big_endian = roll(c, 2);
        uint64_t value = edges[roll(c, sizeof edges / sizeof *edges)];

        if (at + width > c->n)
                return;
        if (roll(c, 2)) {
                value = roll(c, 33) - 16;
                for (size_t b = 0; b < width; b++)
                        value += (uint64_t)c->data[at + (big_endian ? width - 1 - b : b)] << (8 * b);
        }
        for (size_t b = 0; b < width; b++)
                c->data[at + (big_endian ? width - 1 - b : b)] = (uint8_t)(value >> (8 * b));
}

static void remove_span(struct changing *c)
{
        const size_t at = roll(c, c->n);

        put(c, at, hap_min(roll_length(c, c->n), c->n - at), "", 0);
}

static void insert_span(struct changing *c)
{
        const struct span from = source(c);
        const size_t begin = roll(c, from.n), length = hap_min(roll_length(c, from.n), from.n - begin);

        put(c, roll(c, c->n + 1), 0, from.data + begin, length);
}

static void cut(struct changing *c)
{
        c->n = 1 + roll(c, c->n);
}

/* --- text --- */

static bool is_word(uint8_t byte)
{
        return isalnum(byte) || memchr("_.+-<>@$", byte, 8) != NULL || byte >= 0x80;
}

/* The word, or the single character, around a place. */
static struct span word_at(struct span in, size_t at)
{
        size_t begin = at, end = at + 1;

        if (!is_word(in.data[at]))
                return (struct span){in.data + at, 1};
        while (begin > 0 && is_word(in.data[begin - 1]))
                begin--;
        while (end < in.n && is_word(in.data[end]))
                end++;
        return (struct span){in.data + begin, end - begin};
}

static void change_word(struct changing *c)
{
        static const char *const words[] = {
                "0", "1", "-1", "2", "255", "65536", "2147483648", "-2147483649", "4294967296",
                "9007199254740993", "9223372036854775807", "9223372036854775808", "1e308", "1e999",
                "-0.0", "0.5", "1e-320", "NaN", "Infinity", "null", "true", "false", "[]", "{}", "\"\"",
                "\\u0000", "\\ud800", "\\u001b[31m", "\\n", "%s%n", "../x", "/dev/zero", "input", "logits",
                "m0", "a0.h0", "a0.h1<q>", "input->m0", "a0.h0->logits", "a9999.h0", "@rest", "100%",
                "50%", "1,2", "$bin", "$ext", "$map", "$tensor", "\xff", "\xed\xa0\x80", "\t", ",", ":", "\"",
                "[", "]", "{", "}", "\n"};
        const struct span old = word_at((struct span){c->data, c->n}, roll(c, c->n)), from = source(c);
        const size_t at = (size_t)(old.data - c->data);
        struct span new;

        if (roll(c, 2)) {
                new = word_at(from, roll(c, from.n));
        } else {
                const char *word = words[roll(c, sizeof words / sizeof *words)];

                new = (struct span){(const uint8_t *)word, strlen(word)};
        }
        put(c, at, old.n, new.data, new.n);
}

/* What begins with the quote or bracket at `at`, up to the one that closes it. n is 1 if none does. */
static struct span value_at(struct span in, size_t at)
{
        int depth = 0;
        bool quoted = false;

        for (size_t end = at; end < in.n; end++) {
                const uint8_t byte = in.data[end];

                if (quoted && byte == '\\')
                        end++;
                else if (byte == '"')
                        quoted = !quoted;
                else if (!quoted && (byte == '[' || byte == '{'))
                        depth++;
                else if (!quoted && (byte == ']' || byte == '}'))
                        depth--;
                if (!quoted && depth <= 0 && end < in.n)
                        return (struct span){in.data + at, end + 1 - at};
        }
        return (struct span){in.data + at, 1};
}

/* A quoted text, a list or an object, looked for from a random place on. n is 0 if there is none. */
static struct span some_value(struct changing *c, struct span in)
{
        size_t at = roll(c, in.n);

        for (size_t tried = 0; tried < in.n; tried++, at = (at + 1) % in.n)
                if (memchr("\"[{", in.data[at], 3))
                        return value_at(in, at);
        return (struct span){in.data, 0};
}

static void change_value(struct changing *c)
{
        const struct span old = some_value(c, (struct span){c->data, c->n});
        const struct span new = some_value(c, source(c));

        put(c, (size_t)(old.data - c->data), old.n, new.data, new.n);
}

/* With the comma after it. */
static void remove_value(struct changing *c)
{
        const struct span old = some_value(c, (struct span){c->data, c->n});
        const size_t at = (size_t)(old.data - c->data);
        const bool comma = at + old.n < c->n && c->data[at + old.n] == ',';

        put(c, at, old.n + comma, "", 0);
}

static void repeat_value(struct changing *c)
{
        const struct span old = some_value(c, (struct span){c->data, c->n});
        const size_t after = (size_t)(old.data - c->data) + old.n;

        put(c, after, 0, old.data, old.n);
        if (old.n > 0)
                put(c, after, 0, ",", 1);
}

static void repeat_line(struct changing *c)
{
        const struct span from = source(c);
        const uint8_t *begin = from.data + roll(c, from.n), *end;

        while (begin > from.data && begin[-1] != '\n')
                begin--;
        end = memchr(begin, '\n', (size_t)(from.data + from.n - begin));
        put(c, 0, 0, begin, end ? (size_t)(end + 1 - begin) : 0);
}

static void (*const changes[])(struct changing *c) = {
        change_byte, change_bit, change_number, change_number, remove_span, insert_span, cut,
        change_word, change_word, change_word, change_value, remove_value, repeat_value, repeat_line,
};

size_t fuzz_mutate(uint8_t *data, size_t n, size_t capacity, const struct fuzz_corpus *corpus,
                   struct hap_random_key key, uint64_t i)
{
        static const int counts[] = {1, 1, 1, 1, 2, 2, 4, 8};
        struct changing c = {.data = data, .n = n, .capacity = capacity, .corpus = corpus, .key = key,
                             .i = i};

        for (int left = counts[roll(&c, 8)]; left > 0; left--) {
                if (c.n == 0 && c.capacity > 0)
                        c.data[c.n++] = (uint8_t)roll(&c, 256);
                changes[roll(&c, sizeof changes / sizeof *changes)](&c);
        }
        return c.n;
}

uint8_t *fuzz_input(const struct fuzz_target *target, const struct fuzz_corpus *corpus,
                    uint64_t seed, uint64_t i, size_t *n)
{
        static uint8_t data[FUZZ_MAX_BYTES];
        const struct fuzz_seed *from = corpus->seeds + i % corpus->n;
        uint8_t *input;

        memcpy(data, from->data, from->n);
        *n = from->n;
        if (i >= corpus->n) {
                *n = fuzz_mutate(data, *n, sizeof data, corpus, (struct hap_random_key){seed, 0}, i);
                if (target->seal)
                        target->seal(data, *n);
        }
        input = malloc(*n > 0 ? *n : 1);
        MUST(input != NULL);
        memcpy(input, data, *n);
        return input;
}
