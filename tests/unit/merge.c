/* Sums that are found again from their means. */
#include "merge/merge_scores.h"
#include "unit.h"

static uint64_t state = 1;

static uint64_t next_random(void)
{
        state = state * 6364136223846793005u + 1442695040888963407u;
        return state >> 11; /* 53 bits */
}

TEST("a sum with at most 50 significant bits is found exactly from its mean")
{
        for (int i = 0; i < 200000; i++) {
                const int bits = 1 + (int)(next_random() % 50);
                const size_t n = 1 + next_random() % 40000;
                const double mantissa = (double)(next_random() >> (53 - bits));
                const double sum = ldexp(i % 2 ? -mantissa : mantissa,
                                         (int)(next_random() % 80) - 60);

                CHECK(hap_sum_of_mean(sum / (double)n, n) == sum);
        }
}

TEST("any sum is found within two units in the last place, with the same mean")
{
        for (int i = 0; i < 200000; i++) {
                const double sum = (double)(next_random() | (uint64_t)1 << 52);
                const size_t n = 1 + next_random() % 40000;
                const double found = hap_sum_of_mean(sum / (double)n, n);

                CHECK(found / (double)n == sum / (double)n);
                CHECK(fabs(found - sum) <= 2);
        }
}

TEST("zero and the sum of one example are kept")
{
        CHECK(hap_sum_of_mean(0, 7) == 0);
        CHECK(hap_sum_of_mean(0.1, 1) == 0.1);
        CHECK(hap_sum_of_mean(-3e-320, 1) == -3e-320);
}

RUN_TESTS
