#include <math.h>
#include <string.h>

#include "common/random.h"

/* Weyl constants and multipliers of Philox 4x32 (Salmon et al. 2011). */
#define PHILOX_M0 UINT32_C(0xD2511F53)
#define PHILOX_M1 UINT32_C(0xCD9E8D57)
#define PHILOX_W0 UINT32_C(0x9E3779B9)
#define PHILOX_W1 UINT32_C(0xBB67AE85)
#define PHILOX_ROUNDS 10

/* Blocks that hap_random_fill makes side by side, enough for compilers to use vectors. */
#define LANES 32

/* Keeps the bulk sequence apart from the words of the same key. */
#define FILL_SEQUENCE UINT64_C(0xF111F111F111F111)

void hap_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
        uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
        uint32_t k0 = key[0], k1 = key[1];

        for (int round = 0; round < PHILOX_ROUNDS; round++) {
                uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;

                c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
                c1 = (uint32_t)p1;
                c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
                c3 = (uint32_t)p0;
                k0 += PHILOX_W0;
                k1 += PHILOX_W1;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
}

/* The finaliser of splitmix64 (Steele et al. 2014): a bijection. */
static uint64_t mix(uint64_t x)
{
        x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
        return x ^ (x >> 31);
}

/* Philox takes 64 bits of key: seed and stream are mixed into them. */
static void philox_key(struct hap_random_key key, uint64_t sequence, uint32_t out[2])
{
        uint64_t k = mix(mix(mix(key.seed) + key.stream) + sequence);

        out[0] = (uint32_t)k;
        out[1] = (uint32_t)(k >> 32);
}

uint64_t hap_random_word(struct hap_random_key key, uint64_t i, uint64_t j)
{
        uint32_t counter[4] = {(uint32_t)j, (uint32_t)(j >> 32), (uint32_t)i,
                               (uint32_t)(i >> 32)};
        uint32_t k[2], out[4];

        philox_key(key, 0, k);
        hap_philox4x32(counter, k, out);
        return out[0] | (uint64_t)out[1] << 32;
}

double hap_random_uniform(struct hap_random_key key, uint64_t i, uint64_t j)
{
        double u = ((double)(hap_random_word(key, i, j) >> 11) + 0.5) * 0x1p-53;

        /* the largest word rounds up to 1 */
        return u < 1 ? u : 0x1.fffffffffffffp-1;
}

double hap_random_normal(struct hap_random_key key, uint64_t i, uint64_t j)
{
        double radius = sqrt(-2 * log(hap_random_uniform(key, i, 2 * j)));

        return radius * cos(2 * M_PI * hap_random_uniform(key, i, 2 * j + 1));
}

/* out[lane][word] = Philox(key, (block + lane, i)), the lanes side by side. */
static void philox_lanes(const uint32_t key[2], uint64_t i, uint64_t block,
                         uint32_t out[LANES][4])
{
        uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
        uint32_t k0 = key[0], k1 = key[1];

        for (int l = 0; l < LANES; l++) {
                c0[l] = (uint32_t)(block + (uint64_t)l);
                c1[l] = (uint32_t)((block + (uint64_t)l) >> 32);
                c2[l] = (uint32_t)i;
                c3[l] = (uint32_t)(i >> 32);
        }
        for (int round = 0; round < PHILOX_ROUNDS; round++) {
                for (int l = 0; l < LANES; l++) {
                        uint64_t p0 = (uint64_t)PHILOX_M0 * c0[l];
                        uint64_t p1 = (uint64_t)PHILOX_M1 * c2[l];

                        c0[l] = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0;
                        c1[l] = (uint32_t)p1;
                        c2[l] = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;
                        c3[l] = (uint32_t)p0;
                }
                k0 += PHILOX_W0;
                k1 += PHILOX_W1;
        }
        for (int l = 0; l < LANES; l++) {
                out[l][0] = c0[l];
                out[l][1] = c1[l];
                out[l][2] = c2[l];
                out[l][3] = c3[l];
        }
}

void hap_random_fill(struct hap_random_key key, uint64_t i, uint64_t first,
                     size_t n, float *out)
{
        uint32_t words[LANES][4], k[2];
        uint64_t block = first / 4;
        size_t skip = first % 4, done = 0;

        philox_key(key, FILL_SEQUENCE, k);
        while (done < n) {
                size_t here = LANES * 4 - skip;
                const uint32_t *w = &words[0][0] + skip;

                philox_lanes(k, i, block, words);
                if (here > n - done)
                        here = n - done;
                for (size_t m = 0; m < here; m++) {
                        /* 24 bits are exact in f32; only 0 is out of range */
                        float u = (float)(int32_t)(w[m] >> 8) * 0x1p-24f;

                        out[done + m] = u > 0x1p-24f ? u : 0x1p-24f;
                }
                done += here;
                block += LANES;
                skip = 0;
        }
}

void hap_random_shuffle(struct hap_random_key key, uint64_t i, size_t n,
                        uint32_t *order)
{
        for (size_t k = 0; k < n; k++)
                order[k] = (uint32_t)k;
        for (size_t k = n; k > 1; k--) {
                unsigned __int128 product = (unsigned __int128)hap_random_word(key, i, k) * k;
                size_t other = (size_t)(product >> 64);
                uint32_t kept = order[k - 1];

                order[k - 1] = order[other];
                order[other] = kept;
        }
}

void hap_random_epochs(struct hap_random_key key, size_t n, uint64_t first,
                       size_t count, uint32_t *order, uint32_t *which)
{
        for (size_t i = 0; i < count; i++) {
                if (i == 0 || (first + i) % n == 0)
                        hap_random_shuffle(key, (first + i) / n, n, order);
                which[i] = order[(first + i) % n];
        }
}
