/* Statistics of circuit tests under planted null hypotheses, and with effects. */
#include "eval/circuit_tests.h"

#include <stdlib.h>

#include "common/random.h"
#include "common/distributions.h"
#include "eval/hsic.h"
#include "unit.h"

static const struct hap_random_key key = {11, 5};

TEST("at the boundary of its hypothesis, equivalence's p-values are uniform where they can be")
{
        /* K ~ Binomial(n, ½ + ε): P(p <= a) = a for every a that p can be */
        const size_t n = 150;
        const double epsilon = 0.1;
        double total = 0;

        for (size_t wins = n / 2; wins <= n; wins++) {
                const double a = hap_equivalence_p(n, (double)wins, epsilon);
                double below = 0;

                for (size_t k = 0; k <= n; k++)
                        if (hap_equivalence_p(n, (double)k, epsilon) <= a * (1 + 1e-9))
                                below += hap_binomial_at_least(n, 0.5 + epsilon, (double)k) -
                                         (k < n ? hap_binomial_at_least(n, 0.5 + epsilon,
                                                                        (double)k + 1) : 0);
                CHECK_NEAR(below, a, 1e-9);
                total += 1;
        }
        CHECK(total > 70);
        CHECK_NEAR(hap_equivalence_p(n, 75, epsilon), 1, 0);
        CHECK(hap_equivalence_p(1000, 700, epsilon) < 1e-9);
        CHECK_NEAR(hap_equivalence_p(100, 20, epsilon), hap_equivalence_p(100, 80, epsilon), 1e-15);
}

TEST("at the boundary, the p-values of minimality, sufficiency and necessity are uniform")
{
        /* the candidate's effect is at the quantile q* of the random effects */
        enum { RUNS = 4000, N = 100 };
        static const double levels[] = {0.05, 0.2, 0.5};
        double upper[3] = {0}, lower[3] = {0}, can_upper[3] = {0}, can_lower[3] = {0};

        for (size_t k = 0; k <= N; k++)
                for (int l = 0; l < 3; l++) {
                        const double up = hap_binomial_at_least(N, 0.9, (double)k);
                        const double down = hap_binomial_at_most(N, 0.9, (double)k);

                        if (up <= levels[l])
                                can_upper[l] = fmax(can_upper[l], up);
                        if (down <= levels[l])
                                can_lower[l] = fmax(can_lower[l], down);
                }
        for (size_t run = 0; run < RUNS; run++) {
                double beaten = 0;

                for (size_t i = 0; i < N; i++)
                        beaten += hap_test_is_larger(hap_normal_quantile(0.9),
                                                     hap_random_normal(key, run, i));
                for (int l = 0; l < 3; l++) {
                        upper[l] += hap_binomial_at_least(N, 0.9, beaten) <= levels[l];
                        lower[l] += hap_binomial_at_most(N, 0.9, beaten) <= levels[l];
                }
        }
        for (int l = 0; l < 3; l++) {
                /* the largest p that is not above the level is reached exactly that often */
                CHECK_NEAR(upper[l] / RUNS, can_upper[l], 3.5 * sqrt(levels[l] / RUNS));
                CHECK_NEAR(lower[l] / RUNS, can_lower[l], 3.5 * sqrt(levels[l] / RUNS));
        }
}

TEST("HSIC's p-values are uniform for independent scores, and small for any dependence")
{
        enum { RUNS = 500, N = 40 };
        static const double levels[] = {0.05, 0.2, 0.5};
        double below[3] = {0}, x[N], y[N], squares[N];
        struct hap_hsic hsic;

        for (size_t run = 0; run < RUNS; run++) {
                for (size_t i = 0; i < N; i++) {
                        x[i] = hap_random_normal(key, run, 10 * i);
                        y[i] = exp(hap_random_normal(key, run, 10 * i + 3));
                }
                CHECK(hap_hsic_test(x, y, N, 199, (struct hap_random_key){run, 1}, &hsic) == 0);
                for (int l = 0; l < 3; l++)
                        below[l] += hsic.p <= levels[l];
        }
        for (int l = 0; l < 3; l++)
                CHECK_NEAR(below[l] / RUNS, levels[l],
                           3.5 * sqrt(levels[l] * (1 - levels[l]) / RUNS));
        for (size_t i = 0; i < N; i++)
                squares[i] = x[i] * x[i]; /* uncorrelated, not independent */
        CHECK(hap_hsic_test(x, squares, N, 999, key, &hsic) == 0);
        CHECK(hsic.p < 0.01);
        for (size_t i = 0; i < N; i++)
                y[i] = 2;
        CHECK(hap_hsic_test(x, y, N, 9, key, &hsic) == 1);
}

TEST("HSIC's statistic is that of the definition with matrices")
{
        /* x = 0, 1, 3: distances 1, 2, 3, width 2; y = 0, 2, 2: distances 0, 2, 2, width 2 */
        const double x[] = {0, 1, 3}, y[] = {0, 2, 2};
        double k[3][3], l[3][3], khl[3][3] = {{0}}, trace = 0;
        struct hap_hsic hsic;

        for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++) {
                        k[i][j] = exp(-(x[i] - x[j]) * (x[i] - x[j]) / 8);
                        l[i][j] = exp(-(y[i] - y[j]) * (y[i] - y[j]) / 8);
                }
        for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++)
                        for (int a = 0; a < 3; a++)
                                for (int b = 0; b < 3; b++)
                                        khl[i][j] += k[i][a] * ((a == b) - 1 / 3.0) * l[b][j];
        for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++)
                        trace += khl[i][j] * ((i == j) - 1 / 3.0);
        CHECK(hap_hsic_test(x, y, 3, 9, key, &hsic) == 0);
        CHECK_NEAR(hsic.statistic, trace / 4, 1e-12);
}

TEST("scores that differ by rounding are ties and have no distance")
{
        const double a[] = {1, 8, 2, 0}, b[] = {1.000001, 7.99999, 1, 3};

        CHECK_NEAR(hap_test_wins(a, b, 4), 2, 0);
        CHECK_NEAR(hap_test_distance(a, b, 4), (1.0 + 9.0) / 4, 1e-12);
        CHECK(!hap_test_is_larger(1, 1) && hap_test_is_larger(1.1, 1) && !hap_test_is_larger(1e-13, 0));
}

RUN_TESTS
