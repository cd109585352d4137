#include "prune/optimiser.h"

#include <jansson.h>
#include <math.h>

#include "unit.h"

#define GOLDEN "tests/golden/adamw/adamw.json"

static double at(const json_t *array, size_t i)
{
        return json_number_value(json_array_get(array, i));
}

/* Runs the golden's gradients through our optimiser and compares every step. */
static void check_run(const json_t *golden, const json_t *run)
{
        const json_t *gradients = json_object_get(golden, "gradients");
        long total = (long)json_integer_value(json_object_get(golden, "steps"));
        long warmup = (long)json_integer_value(json_object_get(golden, "warmup"));
        double limit = json_number_value(json_object_get(run, "limit"));
        struct hap_adamw adamw =
                hap_adamw_default(json_number_value(json_object_get(golden, "rate")));
        float value[4], mean[4] = {0}, square[4] = {0}, gradient[4];

        adamw.maximise = json_is_true(json_object_get(run, "maximise"));
        for (size_t i = 0; i < 4; i++)
                value[i] = (float)at(json_object_get(golden, "start"), i);
        for (long step = 0; step < total; step++) {
                const json_t *wanted = json_array_get(json_object_get(run, "values"), (size_t)step);
                double factor = hap_rate_factor(step, warmup, total), squares = 0;

                CHECK_NEAR(0.8 * factor, at(json_object_get(run, "rates"), (size_t)step), 1e-12);
                for (size_t i = 0; i < 4; i++) {
                        gradient[i] = (float)at(json_array_get(gradients, (size_t)step), i);
                        squares += (double)gradient[i] * gradient[i];
                }
                for (size_t i = 0; i < 4; i++)
                        gradient[i] *= (float)hap_norm_factor(squares, limit);
                hap_adamw_step(&adamw, step + 1, factor, 4, gradient, mean, square, value);
                for (size_t i = 0; i < 4; i++)
                        CHECK_NEAR(value[i], at(wanted, i), 2e-5);
        }
}

TEST("steps of AdamW, climbing and with limited gradients too, are torch's")
{
        json_t *golden = json_load_file(GOLDEN, 0, NULL);
        json_t *runs = json_object_get(golden, "runs"), *run;
        size_t i;

        CHECK(json_array_size(runs) == 3);
        json_array_foreach(runs, i, run)
                check_run(golden, run);
        json_decref(golden);
}

TEST("without any gradient a value only decays")
{
        struct hap_adamw adamw = hap_adamw_default(0.8);
        float value = 10, mean = 0, square = 0, gradient = 0;

        for (long step = 1; step <= 100; step++)
                hap_adamw_step(&adamw, step, 1, 1, &gradient, &mean, &square, &value);
        CHECK_NEAR(value, 10 * pow(1 - 0.8 * 0.01, 100), 1e-4);
}

TEST("NaN in the gradient reaches the value")
{
        struct hap_adamw adamw = hap_adamw_default(0.8);
        float value = 1, mean = 0, square = 0, gradient = NAN;

        hap_adamw_step(&adamw, 1, 1, 1, &gradient, &mean, &square, &value);
        CHECK(isnan(value));
        CHECK(isnan(hap_norm_factor(NAN, 1)));
}

TEST("the rate rises to its peak and falls to nothing")
{
        CHECK_NEAR(hap_rate_factor(0, 200, 3000), 0, 0);
        CHECK_NEAR(hap_rate_factor(200, 200, 3000), 1, 0);
        CHECK_NEAR(hap_rate_factor(1600, 200, 3000), 0.5, 1e-12);
        CHECK_NEAR(hap_rate_factor(3000, 200, 3000), 0, 0);
        CHECK_NEAR(hap_rate_factor(0, 0, 10), 1, 0);
}

RUN_TESTS
