#include "prune/hard_concrete.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "unit.h"

#define GOLDEN "tests/golden/sampling.json"

/* tests/golden/README.md: seen in float32 2.4e-7. */
#define TOLERANCE 1e-5

static double number(const json_t *map, const char *key)
{
        return json_number_value(json_object_get(map, key));
}

static void check_sample(const json_t *sample)
{
        float u = (float)number(sample, "u"), log_alpha = (float)number(sample, "log_alpha");
        float z = -1, slope = -1;

        hap_concrete_sample(1, &u, &log_alpha, &z, &slope);
        CHECK_NEAR(z, number(sample, "z_sampled"), TOLERANCE);
        CHECK_NEAR(slope, number(sample, "dz_dlog_alpha"), TOLERANCE);
        CHECK_NEAR(hap_concrete_open(number(sample, "log_alpha")),
                   number(sample, "prob_open"), 1e-9);
}

TEST("samples, slopes and probabilities are those of Edge-Pruning's l0.py")
{
        json_t *golden = json_load_file(GOLDEN, 0, NULL);
        json_t *samples = json_object_get(golden, "samples"), *sample;
        size_t i;

        CHECK(json_array_size(samples) > 50);
        json_array_foreach(samples, i, sample)
                check_sample(sample);
        json_decref(golden);
}

static void check_deterministic(const json_t *vector)
{
        const json_t *log_alphas = json_object_get(vector, "log_alpha");
        const json_t *masks = json_object_get(vector, "mask");
        size_t n = json_array_size(log_alphas);
        float *log_alpha = calloc(n, sizeof *log_alpha), *mask = calloc(n, sizeof *mask);

        for (size_t i = 0; i < n; i++)
                log_alpha[i] = (float)json_number_value(json_array_get(log_alphas, i));
        CHECK(hap_concrete_deterministic(n, log_alpha, mask) ==
              (long)number(vector, "num_zeros"));
        for (size_t i = 0; i < n; i++)
                CHECK_NEAR(mask[i], json_number_value(json_array_get(masks, i)), TOLERANCE);
        free(log_alpha);
        free(mask);
}

TEST("deterministic masks are those of Edge-Pruning's l0.py")
{
        json_t *golden = json_load_file(GOLDEN, 0, NULL);
        json_t *vectors = json_object_get(golden, "deterministic"), *vector;
        size_t i;

        CHECK(json_array_size(vectors) > 3);
        json_array_foreach(vectors, i, vector)
                check_deterministic(vector);
        json_decref(golden);
}

/* A grid finer than the golden one, against the formula in double. */
TEST("the vectorised sample is the formula for any u and logα")
{
        for (int i = 1; i < 2000; i++) {
                for (double a = -20; a <= 20; a += 0.37) {
                        float u = (float)(i / 2000.0), log_alpha = (float)a, z, slope;
                        double logit = log((double)u) - log1p(-(double)u) + (double)log_alpha;
                        double s = 1 / (1 + exp(-1.5 * logit)), wide = 1.2 * s - 0.1;

                        hap_concrete_sample(1, &u, &log_alpha, &z, &slope);
                        CHECK_NEAR(z, fmin(1, fmax(0, wide)), TOLERANCE);
                        if (fabs(wide) > TOLERANCE && fabs(1 - wide) > TOLERANCE)
                                CHECK_NEAR(slope, wide > 0 && wide < 1 ? 1.8 * s * (1 - s) : 0,
                                           TOLERANCE);
                }
        }
}

TEST("the slope is the derivative of the sample")
{
        for (float a = -4; a <= 4; a += 0.5f) {
                for (float u = 0.05f; u < 1; u += 0.1f) {
                        float up = a + 0.01f, down = a - 0.01f, z, z_up, z_down, slope;

                        hap_concrete_sample(1, &u, &a, &z, &slope);
                        hap_concrete_sample(1, &u, &up, &z_up, NULL);
                        hap_concrete_sample(1, &u, &down, &z_down, NULL);
                        if (z_up < 1 && z_down > 0)
                                CHECK_NEAR(slope, (z_up - z_down) / 0.02, 1e-3);
                }
        }
}

TEST("NaN in logα or u gives NaN, with any other values next to it")
{
        float u[9], log_alpha[9], z[9], slope[9];

        for (int i = 0; i < 9; i++) {
                u[i] = i == 2 ? NAN : 0.3f;
                log_alpha[i] = i == 7 ? NAN : 1;
        }
        hap_concrete_sample(9, u, log_alpha, z, slope);
        for (int i = 0; i < 9; i++) {
                CHECK(isnan(z[i]) == (i == 2 || i == 7));
                CHECK(isnan(slope[i]) == (i == 2 || i == 7));
        }
        hap_concrete_bernoulli(9, u, log_alpha, z);
        for (int i = 0; i < 9; i++)
                CHECK(isnan(z[i]) == (i == 2 || i == 7));
        CHECK(isnan(hap_concrete_open(NAN)) && isnan(hap_concrete_log_open(NAN)));
}

TEST("a bernoulli mask is open where the hard concrete one is above one half")
{
        for (int i = 1; i < 200; i++) {
                for (float a = -5; a <= 5; a += 0.31f) {
                        float u = (float)i / 200 + 0.0007f, z, b;

                        hap_concrete_sample(1, &u, &a, &z, NULL);
                        hap_concrete_bernoulli(1, &u, &a, &b);
                        CHECK(b == (z > 0.5f));
                }
        }
}

TEST("uniform numbers keep away from 0 and 1 by ε")
{
        float u[3] = {5.9604645e-8f, 0.5f, 0.99999994f};

        hap_concrete_uniform(3, u);
        CHECK(u[0] >= 1e-6f && u[0] < 2e-6f);
        CHECK_NEAR(u[1], 0.5, 1e-6);
        CHECK(u[2] < 1 && u[2] > 0.999998f);
}

TEST("ln P(z > 0) is the logarithm of P(z > 0) and keeps rising beyond its limit")
{
        for (double a = -12; a <= 12; a += 0.5)
                CHECK_NEAR(hap_concrete_log_open(a), log(hap_concrete_open(a)), 1e-4);
        CHECK(hap_concrete_log_open(30) > hap_concrete_log_open(20));
        CHECK(hap_concrete_log_open(-40) < hap_concrete_log_open(-30));
        CHECK(hap_concrete_log_open(30) <= 0);
}

RUN_TESTS
