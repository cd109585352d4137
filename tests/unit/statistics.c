/* Intervals, tails and corrections, against scipy (tests/golden/statistics.json) and by hand. */
#include <jansson.h>
#include <stdlib.h>

#include "common/random.h"
#include "common/bootstrap.h"
#include "common/distributions.h"
#include "unit.h"

enum { N = 24 };

static json_t *golden(void)
{
        static json_t *all;

        if (!all)
                all = json_load_file("tests/golden/statistics.json", 0, NULL);
        return all;
}

static double at(const json_t *object, const char *key)
{
        return json_number_value(json_object_get(object, key));
}

/* Columns x and y of the golden file. */
static void read_xy(double values[N][2])
{
        for (size_t i = 0; i < N; i++) {
                values[i][0] = json_number_value(json_array_get(json_object_get(golden(), "x"), i));
                values[i][1] = json_number_value(json_array_get(json_object_get(golden(), "y"), i));
        }
}

static double first(const void *what, const double *m)
{
        (void)what;
        return m[0];
}

static double difference(const void *what, const double *m)
{
        (void)what;
        return m[0] - m[1];
}

static double ratio(const void *what, const double *m)
{
        (void)what;
        return m[0] / m[1];
}

TEST("BCa intervals of a mean, a paired difference and a ratio of means are those of scipy")
{
        static const struct {
                const char *name;
                hap_statistic_fn *statistic;
        } cases[] = {{"mean", first}, {"difference", difference}, {"ratio", ratio}};
        double values[N][2];
        struct hap_bootstrap b;

        read_xy(values);
        CHECK(hap_bootstrap_init(&b, &values[0][0], N, 2, 200000, 5, 0) == 0);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const json_t *should = json_object_get(golden(), cases[i].name);
                const struct hap_interval is = hap_bootstrap_interval(&b, cases[i].statistic, NULL,
                                                                      0.95);

                /* the noise of quantiles of 200,000 resamples */
                CHECK_NEAR(is.low, at(should, "low"), 0.02 * at(should, "se"));
                CHECK_NEAR(is.high, at(should, "high"), 0.04 * at(should, "se"));
                CHECK_NEAR(is.se, at(should, "se"), 0.01 * at(should, "se"));
        }
        hap_bootstrap_release(&b);
}

TEST("resamples depend on the seed and not on the columns beside")
{
        double values[N][2], x[N];
        struct hap_bootstrap two, one, other;
        struct hap_interval a, b, c;

        read_xy(values);
        for (size_t i = 0; i < N; i++)
                x[i] = values[i][0];
        CHECK(hap_bootstrap_init(&two, &values[0][0], N, 2, 1000, 1, 0) == 0);
        CHECK(hap_bootstrap_init(&one, x, N, 1, 1000, 1, 0) == 0);
        CHECK(hap_bootstrap_init(&other, x, N, 1, 1000, 2, 0) == 0);
        a = hap_bootstrap_interval(&two, first, NULL, 0.9);
        b = hap_bootstrap_interval(&one, first, NULL, 0.9);
        c = hap_bootstrap_interval(&other, first, NULL, 0.9);
        CHECK(a.low == b.low && a.high == b.high && a.se == b.se);
        CHECK(a.low != c.low);
        hap_bootstrap_release(&two);
        hap_bootstrap_release(&one);
        hap_bootstrap_release(&other);
}

TEST("values that are all equal have an interval of width 0; one value has none")
{
        const double values[] = {0.1, 0.1, 0.1, 0.1, 0.1};
        struct hap_bootstrap b;
        struct hap_interval in;

        CHECK(hap_bootstrap_init(&b, values, 5, 1, 1000, 1, 0) == 0);
        in = hap_bootstrap_interval(&b, first, NULL, 0.95);
        CHECK_NEAR(in.low, 0.1, 1e-15);
        CHECK_NEAR(in.high, 0.1, 1e-15);
        hap_bootstrap_release(&b);
        CHECK(hap_bootstrap_init(&b, values, 1, 1, 1000, 1, 0) == 0);
        in = hap_bootstrap_interval(&b, first, NULL, 0.95);
        CHECK(isnan(in.low) && isnan(in.high) && isnan(in.se));
        hap_bootstrap_release(&b);
}

TEST("the sign-flip p-value is that of all sign patterns")
{
        const double exact = at(golden(), "sign_flip_12");
        double values[N][2];
        struct hap_bootstrap b;

        read_xy(values);
        CHECK(hap_bootstrap_init(&b, &values[0][0], 12, 2, 100000, 3, 1) == 0);
        CHECK_NEAR(hap_bootstrap_sign_flip(&b, 0, 1), exact, 4 * sqrt(exact * (1 - exact) / 1e5));
        CHECK_NEAR(hap_bootstrap_sign_flip(&b, 0, 0), 1, 0);
        hap_bootstrap_release(&b);
}

TEST("without a difference, sign-flip p-values are uniform")
{
        const struct hap_random_key key = {7, 7};
        enum { RUNS = 2000, PROMPTS = 40 };
        size_t below[3] = {0};
        static const double levels[] = {0.05, 0.2, 0.5};

        for (size_t run = 0; run < RUNS; run++) {
                double values[PROMPTS][2];
                struct hap_bootstrap b;
                double p;

                for (size_t i = 0; i < PROMPTS; i++) {
                        values[i][0] = hap_random_normal(key, run, 3 * i);
                        values[i][1] = values[i][0] + 0.3 * hap_random_normal(key, run, 3 * i + 1);
                }
                CHECK(hap_bootstrap_init(&b, &values[0][0], PROMPTS, 2, 999, run, 1) == 0);
                p = hap_bootstrap_sign_flip(&b, 0, 1);
                for (int l = 0; l < 3; l++)
                        below[l] += p <= levels[l];
                hap_bootstrap_release(&b);
        }
        for (int l = 0; l < 3; l++)
                CHECK_NEAR((double)below[l] / RUNS, levels[l],
                           3.5 * sqrt(levels[l] * (1 - levels[l]) / RUNS));
}

TEST("normal quantiles, binomial tails and Clopper-Pearson intervals are those of scipy")
{
        size_t i;
        json_t *c;

        json_array_foreach(json_object_get(golden(), "normal_quantile"), i, c)
                CHECK_NEAR(hap_normal_quantile(json_number_value(json_array_get(c, 0))),
                           json_number_value(json_array_get(c, 1)), 1e-9);
        json_array_foreach(json_object_get(golden(), "binomial"), i, c) {
                const size_t n = (size_t)at(c, "n");

                CHECK_NEAR(hap_binomial_at_least(n, at(c, "p"), at(c, "k")), at(c, "at_least"), 1e-9);
                CHECK_NEAR(hap_binomial_at_most(n, at(c, "p"), at(c, "k")), at(c, "at_most"), 1e-9);
        }
        json_array_foreach(json_object_get(golden(), "clopper_pearson"), i, c) {
                double low, high;

                hap_binomial_interval((size_t)at(c, "n"), at(c, "k"), 0.95, &low, &high);
                CHECK_NEAR(low, at(c, "low"), 1e-9);
                CHECK_NEAR(high, at(c, "high"), 1e-9);
        }
}

TEST("Holm's correction steps down, keeps the order and counts tests that are not listed")
{
        double p[] = {0.01, 0.04, 0.03, 0.005}, alone[] = {0.2};

        CHECK(hap_holm(p, 4, 4, p) == 0);
        CHECK_NEAR(p[0], 0.03, 1e-15);
        CHECK_NEAR(p[1], 0.06, 1e-15);
        CHECK_NEAR(p[2], 0.06, 1e-15);
        CHECK_NEAR(p[3], 0.02, 1e-15);
        CHECK(hap_holm(alone, 1, 3, alone) == 0);
        CHECK_NEAR(alone[0], 0.6, 1e-15);
}

RUN_TESTS
