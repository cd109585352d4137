/* Random numbers that need no state. */
#ifndef HAP_COMMON_RANDOM_H
#define HAP_COMMON_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
