/* Numbers as users write them, the larger and the smaller of two, and random
 * numbers that need no state. */
#ifndef HAP_COMMON_NUMBER_H
#define HAP_COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* The whole text must be the number and the number within [min, max]
 * ("100-2", "", "1e", "nan" are refused); `what` names it in the message. */
int hap_parse_int(const char *text, const char *what, int64_t min, int64_t max,
                  int64_t *value, struct hap_error *err);
int hap_parse_real(const char *text, const char *what, double min, double max,
                   double *value, struct hap_error *err);

/* An amount of a whole: `N` things, or `P%` of them. */
struct hap_count_or_percent {
        bool given;
        bool percent;
        double value;
};
int hap_parse_amount(const char *text, const char *what,
                     struct hap_count_or_percent *amount, struct hap_error *err);

/* A number of bytes: a positive number with at most one decimal point and none
 * or one of K, M, G, T behind (thousands; Ki, Mi, Gi, Ti: of 1024), then
 * perhaps B: "900M", "1.5G", "4GiB". */
int hap_parse_size(const char *text, const char *what, size_t *bytes,
                   struct hap_error *err);

/* The number, finite, in the fewest digits that read back as the same (or, if
 * single, as the same float): 0.1, 12, 1e+20. */
enum { HAP_DIGITS = 32 };
void hap_shortest_digits(double number, bool single, char text[HAP_DIGITS]);

/* The number of things that an amount means of `whole`, rounded to nearest. */
size_t hap_count_or_percent_of(const struct hap_count_or_percent *amount, size_t whole);

static inline size_t hap_larger(size_t a, size_t b)
{
        return a > b ? a : b;
}
static inline size_t hap_smaller(size_t a, size_t b)
{
        return a < b ? a : b;
}

/* Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): the value
 * depends on the key and the counter only, so that any thread may draw it. */
struct hap_random_key {
        uint64_t seed;
        uint64_t stream; /* which use of the seed: masks, order of prompts … */
};

/* One block: four words for a counter of 128 bits and a key of 64. */
void hap_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A 64-bit word for (key, i, j). */
uint64_t hap_random_word(struct hap_random_key key, uint64_t i, uint64_t j);

/* Uniform in (0, 1), never 0 or 1: (w + ½)·2⁻⁵³ of the 53 high bits. */
double hap_random_uniform(struct hap_random_key key, uint64_t i, uint64_t j);

/* Standard normal by Box-Muller from words (i, 2j) and (i, 2j + 1). */
double hap_random_normal(struct hap_random_key key, uint64_t i, uint64_t j);

/* out[k] = u(key, i, first + k) for k < n, in f32, limited to
 * [2^-24, 1 - 2^-24]; the bulk form of hap_random_uniform (same law, its own
 * sequence), four values per Philox block. */
void hap_random_fill(struct hap_random_key key, uint64_t i, uint64_t first,
                     size_t n, float *out);

/* A random order of 0 … n-1 in `order` (Fisher-Yates). */
void hap_random_shuffle(struct hap_random_key key, uint64_t i, size_t n,
                        uint32_t *order);

/* Entries first … first + count - 1 of the endless sequence of epochs, each a
 * random order of 0 … n-1 by (key, epoch): which[i] = order[(first + i) % n] of
 * epoch (first + i) / n. which: [count], order: [n], scratch. */
void hap_random_epochs(struct hap_random_key key, size_t n, uint64_t first,
                       size_t count, uint32_t *order, uint32_t *which);

#endif
