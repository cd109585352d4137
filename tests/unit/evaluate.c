/* Measures of logits worked out by hand. */
#include <math.h>

#include "metric/metrics.h"
#include "metric/evaluate.h"
#include "metric/loss.h"
#include "unit.h"

static struct hap_error err;

/* Four tokens with probabilities 1/10, 2/10, 3/10, 4/10. */
static const float tenths[] = {0.f, 0.69314718f, 1.09861229f, 1.38629436f};

static struct hap_metric_values outcome(const float *log_p, int n_positions, const float *logits,
                                  struct hap_example example)
{
        struct hap_prompt prompt = {.n_answer_positions = n_positions, .log_p = (float *)log_p};
        struct hap_metric_values o;

        hap_metric_values_of(&prompt, &example, 4, logits, &o);
        return o;
}

static struct hap_example answers(const int32_t *right, int n, const int32_t *wrong, int m)
{
        return (struct hap_example){.answers = right, .n_answers = n, .wrongs = wrong,
                                    .n_wrongs = m};
}

TEST("one answer and one wrong: differences of logits and of probabilities")
{
        struct hap_metric_values o = outcome(NULL, 1, tenths, answers((int32_t[]){3}, 1, (int32_t[]){1}, 1));

        CHECK_NEAR(o.logit_diff, log(4.0 / 2.0), 1e-6);
        CHECK_NEAR(o.prob_diff, 0.2, 1e-6);
        CHECK_NEAR(o.accuracy, 1, 0);
        CHECK_NEAR(o.right_over_wrong, 1, 0);
        CHECK(isnan(o.kl) && isnan(o.exact_match)); /* no full model to compare with */
}

TEST("of several answers logits are averaged and probabilities added")
{
        struct hap_metric_values o = outcome(NULL, 1, tenths,
                                       answers((int32_t[]){0, 1}, 2, (int32_t[]){2}, 1));

        CHECK_NEAR(o.logit_diff, log(2.0) / 2 - log(3.0), 1e-6);
        CHECK_NEAR(o.prob_diff, 0, 1e-6);
        CHECK_NEAR(o.accuracy, 0, 0);
        o = outcome(NULL, 1, tenths, answers((int32_t[]){0, 2}, 2, (int32_t[]){1}, 1));
        CHECK_NEAR(o.prob_diff, 0.2, 1e-6);
        CHECK_NEAR(o.right_over_wrong, 1, 0);
}

TEST("KL is zero against itself and p ln(p/q) against even odds")
{
        float log_p[4], even[4] = {7, 7, 7, 7};
        struct hap_example none = {0};
        double kl = 0;

        hap_log_softmax(1, 4, tenths, log_p);
        CHECK_NEAR(outcome(log_p, 1, tenths, none).kl, 0, 1e-7);
        for (int i = 1; i <= 4; i++)
                kl += i / 10.0 * log(i / 10.0 / 0.25);
        CHECK_NEAR(outcome(log_p, 1, even, none).kl, kl, 1e-6);
        CHECK_NEAR(outcome(log_p, 1, tenths, none).exact_match, 1, 0);
        CHECK_NEAR(outcome(log_p, 1, even, none).exact_match, 0, 0);
}

TEST("of a model that answers with a number, KL is half the square of the difference")
{
        const float full[2] = {0.25f, -2}, run[2] = {0.75f, 1};
        struct hap_prompt prompt = {.n_answer_positions = 2};
        struct hap_example none = {0};
        struct hap_metric_values o;
        float log_p[2], gradient[2], up[2] = {0.75f, 1.01f}, down[2] = {0.75f, 0.99f};

        hap_log_softmax(2, 1, full, log_p);
        prompt.log_p = log_p;
        hap_metric_values_of(&prompt, &none, 1, run, &o);
        CHECK_NEAR(o.kl, (0.5 * 0.5 + 3.0 * 3.0) / 2 / 2, 1e-7);
        CHECK(isnan(o.exact_match));
        CHECK_NEAR(hap_loss(HAP_KL, &prompt, &none, 1, run, gradient), o.kl, 1e-7);
        CHECK_NEAR(gradient[1], (hap_loss(HAP_KL, &prompt, &none, 1, up, NULL) -
                                 hap_loss(HAP_KL, &prompt, &none, 1, down, NULL)) / 0.02, 1e-4);
        CHECK_NEAR(hap_loss(HAP_KL, &prompt, &none, 1, full, gradient), 0, 1e-12);
        CHECK_NEAR(gradient[0], 0, 1e-7);
}

TEST("answer positions count the same")
{
        const float two[8] = {0.f, 0.69314718f, 1.09861229f, 1.38629436f, 0, 0, 0, 50};
        struct hap_metric_values o = outcome(NULL, 2, two, answers((int32_t[]){2}, 1, (int32_t[]){3}, 1));

        CHECK_NEAR(o.logit_diff, (log(3.0 / 4.0) - 50) / 2, 1e-5);
        CHECK_NEAR(o.prob_diff, (-0.1 - 1) / 2, 1e-6);
}

TEST("logits far from zero neither overflow nor vanish")
{
        const float far[4] = {-3000, -3001, 1000, -3000};
        struct hap_metric_values o = outcome(NULL, 1, far, answers((int32_t[]){0}, 1, (int32_t[]){1}, 1));

        CHECK_NEAR(o.logit_diff, 1, 0);
        CHECK_NEAR(o.prob_diff, 0, 0);
        CHECK_NEAR(o.right_over_wrong, 1, 0); /* e^-4000 over e^-4001 */
}

TEST("a mean counts every outcome once; its sd divides by n - 1")
{
        struct hap_metric_values some[3] = {{.kl = 1, .accuracy = 1}, {.kl = 2}, {.kl = 6}};
        struct hap_metric_values mean = hap_metric_values_mean(some, 3);
        double value, sd;

        CHECK_NEAR(mean.kl, 3, 1e-15);
        CHECK_NEAR(mean.accuracy, 1 / 3.0, 1e-15);
        hap_measures_mean(some, 3, HAP_MEASURE_KL, &value, &sd);
        CHECK_NEAR(value, 3, 1e-15);
        CHECK_NEAR(sd, sqrt(7), 1e-15);
        hap_measures_mean(some, 1, HAP_MEASURE_KL, &value, &sd);
        CHECK(value == 1 && isnan(sd));
}

TEST("lists of measures keep their order; unknown, empty and double names are refused")
{
        struct hap_measures m;

        CHECK(hap_measures_of("faithfulness,kl", &m, &err) == 0);
        CHECK(m.n == 2 && m.items[0] == HAP_MEASURE_FAITHFULNESS && m.items[1] == HAP_MEASURE_KL);
        CHECK(hap_measures_of(NULL, &m, &err) == 0 && m.n == HAP_N_METRIC_VALUES);
        CHECK(!hap_measures_have(&m, HAP_MEASURE_FAITHFULNESS));
        CHECK(hap_measures_of("", &m, &err) == HAP_EUSAGE);
        CHECK(hap_measures_of("kl,", &m, &err) == HAP_EUSAGE);
        CHECK(hap_measures_of("kl,kl", &m, &err) == HAP_EUSAGE);
        CHECK(hap_measures_of("k", &m, &err) == HAP_EUSAGE);
        CHECK(hap_measures_of("kl ", &m, &err) == HAP_EUSAGE);
}

TEST("faithfulness is normalised, and refused where there is nothing between")
{
        double value;

        CHECK(hap_faithfulness(1.5, 3, 1, &value, &err) == 0);
        CHECK_NEAR(value, 0.25, 1e-15);
        CHECK(hap_faithfulness(1, 2, 2, &value, &err) == HAP_EINPUT);
        CHECK(hap_faithfulness(1, 2, 2.000002, &value, &err) == HAP_EINPUT);
        CHECK(hap_faithfulness(2.001, 2, 2.002, &value, &err) == 0);
        CHECK(fabs(value - .5) < 1e-9);
}

RUN_TESTS
