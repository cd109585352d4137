/* Metrics of logits, computed by hand. */
#include <math.h>
#include <string.h>

#include "forward/distribution.h"
#include "forward/prompt.h"
#include "metric/metric_list.h"
#include "unit.h"

static struct hap_error err;

/* Four tokens with probabilities 1/10, 2/10, 3/10, 4/10. */
static const float tenths[] = {0.f, 0.69314718f, 1.09861229f, 1.38629436f};

/* The metrics of one example. */
struct values {
        double kl, logit_diff, prob_diff, accuracy, exact_match, right_over_wrong;
};

static struct values values_of(const struct hap_prompt *prompt, const struct hap_example *example,
                               int n_out, const float *logits)
{
#define VALUE(name) hap_metric_value(&hap_metric_##name, prompt, example, n_out, logits)
        return (struct values){VALUE(kl), VALUE(logit_diff), VALUE(prob_diff), VALUE(accuracy),
                               VALUE(exact_match), VALUE(right_over_wrong)};
}

static struct values outcome(const float *log_p, int n_positions, const float *logits,
                                  struct hap_example example)
{
        struct hap_prompt prompt = {.n_answer_positions = n_positions, .log_p = (float *)log_p};

        return values_of(&prompt, &example, 4, logits);
}

static struct hap_example answers(const int32_t *right, int n, const int32_t *wrong, int m)
{
        return (struct hap_example){.answers = right, .n_answers = n, .wrongs = wrong,
                                    .n_wrongs = m};
}

TEST("one answer and one wrong: differences of logits and of probabilities")
{
        struct values o = outcome(NULL, 1, tenths, answers((int32_t[]){3}, 1, (int32_t[]){1}, 1));

        CHECK_NEAR(o.logit_diff, log(4.0 / 2.0), 1e-6);
        CHECK_NEAR(o.prob_diff, 0.2, 1e-6);
        CHECK_NEAR(o.accuracy, 1, 0);
        CHECK_NEAR(o.right_over_wrong, 1, 0);
        CHECK(isnan(o.kl) && isnan(o.exact_match)); /* no full model to compare with */
}

TEST("of several answers logits are averaged and probabilities added")
{
        struct values o = outcome(NULL, 1, tenths,
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

        hap_log_softmax(1, 4, tenths, log_p, NULL);
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
        struct values o;
        float log_p[2], gradient[2], up[2] = {0.75f, 1.01f}, down[2] = {0.75f, 0.99f};

        hap_log_softmax(2, 1, full, log_p, NULL);
        prompt.log_p = log_p;
        o = values_of(&prompt, &none, 1, run);
        CHECK_NEAR(o.kl, (0.5 * 0.5 + 3.0 * 3.0) / 2 / 2, 1e-7);
        CHECK(isnan(o.exact_match));
        CHECK_NEAR(hap_metric_loss(&hap_metric_kl, &prompt, &none, 1, run, gradient), o.kl, 1e-7);
        CHECK_NEAR(gradient[1],
                   (hap_metric_loss(&hap_metric_kl, &prompt, &none, 1, up, NULL) -
                    hap_metric_loss(&hap_metric_kl, &prompt, &none, 1, down, NULL)) /
                           0.02,
                   1e-4);
        CHECK_NEAR(hap_metric_loss(&hap_metric_kl, &prompt, &none, 1, full, gradient), 0, 1e-12);
        CHECK_NEAR(gradient[0], 0, 1e-7);
}

TEST("answer positions count the same")
{
        const float two[8] = {0.f, 0.69314718f, 1.09861229f, 1.38629436f, 0, 0, 0, 50};
        struct values o = outcome(NULL, 2, two, answers((int32_t[]){2}, 1, (int32_t[]){3}, 1));

        CHECK_NEAR(o.logit_diff, (log(3.0 / 4.0) - 50) / 2, 1e-5);
        CHECK_NEAR(o.prob_diff, (-0.1 - 1) / 2, 1e-6);
}

TEST("logits far from zero neither overflow nor vanish")
{
        const float far[4] = {-3000, -3001, 1000, -3000};
        struct values o = outcome(NULL, 1, far, answers((int32_t[]){0}, 1, (int32_t[]){1}, 1));

        CHECK_NEAR(o.logit_diff, 1, 0);
        CHECK_NEAR(o.prob_diff, 0, 0);
        CHECK_NEAR(o.right_over_wrong, 1, 0); /* e^-4000 over e^-4001 */
}

TEST("a mean counts every value once; its sd divides by n - 1")
{
        const double some[6] = {1, 1, 2, 0, 6, 0}; /* two metrics of three examples */
        double mean, sd;

        hap_metric_mean(some, 3, 2, &mean, &sd);
        CHECK_NEAR(mean, 3, 1e-15);
        CHECK_NEAR(sd, sqrt(7), 1e-15);
        hap_metric_mean(some + 1, 3, 2, &mean, &sd);
        CHECK_NEAR(mean, 1 / 3.0, 1e-15);
        hap_metric_mean(some, 1, 2, &mean, &sd);
        CHECK(mean == 1 && isnan(sd));
}

TEST("lists of metrics keep their order; unknown, empty and double names are refused")
{
        struct hap_metric_list list;

        CHECK(hap_metric_list_parse("faithfulness,kl", &list, &err) == 0);
        CHECK(list.n == 2 && list.items[0] == &hap_metric_faithfulness &&
              list.items[1] == &hap_metric_kl);
        CHECK(hap_metric_list_parse(NULL, &list, &err) == 0 && list.n == 6);
        CHECK(hap_metric_list_find(&list, &hap_metric_faithfulness) < 0);
        CHECK(hap_metric_list_parse("", &list, &err) == HAP_EUSAGE);
        CHECK(hap_metric_list_parse("kl,", &list, &err) == HAP_EUSAGE);
        CHECK(hap_metric_list_parse("kl,kl", &list, &err) == HAP_EUSAGE);
        CHECK(hap_metric_list_parse("k", &list, &err) == HAP_EUSAGE);
        CHECK(hap_metric_list_parse("kl ", &list, &err) == HAP_EUSAGE);
}

TEST("faithfulness is normalised, and refused if the full model and the empty circuit are equal")
{
        double value;

        CHECK(hap_metric_normalise(1.5, 3, 1, &value, &err) == 0);
        CHECK_NEAR(value, 0.25, 1e-15);
        CHECK(hap_metric_normalise(1, 2, 2, &value, &err) == HAP_EINPUT);
        CHECK(hap_metric_normalise(1, 2, 2.000002, &value, &err) == HAP_EINPUT);
        CHECK(hap_metric_normalise(2.001, 2, 2.002, &value, &err) == 0);
        CHECK(fabs(value - .5) < 1e-9);
}

/* A brute force with probabilities p of the run and q of the full model. */
static double js_of(int n, const double *p, const double *q)
{
        double sum = 0;

        for (int i = 0; i < n; i++)
                sum += p[i] * log(2 * p[i] / (p[i] + q[i])) + q[i] * log(2 * q[i] / (p[i] + q[i]));
        return sum / 2;
}

#define ON(metric, prompt, example, logits) \
        hap_metric_value(&hap_metric_##metric, prompt, example, 4, logits)

TEST("metrics of answers: logit, log-probability and rank")
{
        struct hap_prompt one = {.n_answer_positions = 1};
        struct hap_example two = answers((int32_t[]){0, 2}, 2, NULL, 0);

        CHECK_NEAR(ON(answer_logit, &one, &two, tenths), log(3.0) / 2, 1e-6);
        CHECK_NEAR(ON(answer_log_probability, &one, &two, tenths), log(0.4), 1e-6);
        CHECK_NEAR(ON(answer_rank, &one, &two, tenths), 2, 0);
        two.n_answers = 1;
        CHECK_NEAR(ON(answer_rank, &one, &two, tenths), 4, 0);
}

TEST("Jensen-Shannon divergence is that of the formula, 0 against itself and symmetric")
{
        const double p[4] = {.1, .2, .3, .4}, even[4] = {.25, .25, .25, .25};
        const float flat[4] = {7, 7, 7, 7};
        float log_p[4], log_even[4];
        struct hap_prompt prompt = {.n_answer_positions = 1, .log_p = log_p};
        struct hap_example none = {0};

        hap_log_softmax(1, 4, tenths, log_p, NULL);
        hap_log_softmax(1, 4, flat, log_even, NULL);
        CHECK_NEAR(ON(js, &prompt, &none, tenths), 0, 1e-7);
        CHECK_NEAR(ON(js, &prompt, &none, flat), js_of(4, even, p), 1e-7);
        prompt.log_p = log_even;
        CHECK_NEAR(ON(js, &prompt, &none, tenths), js_of(4, even, p), 1e-7);
}

TEST("Kendall's tau-b counts ties as its definition does")
{
        /* ranks 1 2 3 4 against 1 3 2 2: of six pairs 4 agree, 1 disagrees, 1 is tied, so that
         * tau-b = (4 - 1) / sqrt(6 * 5), as in scipy.stats.kendalltau */
        const float full[4] = {1, 3, 2, 2};
        float log_p[4];
        struct hap_prompt prompt = {.n_answer_positions = 1, .log_p = log_p};
        struct hap_example all = answers((int32_t[]){0, 1}, 2, (int32_t[]){2, 3}, 2);

        hap_log_softmax(1, 4, tenths, log_p, NULL);
        CHECK_NEAR(ON(kendall_tau, &prompt, &all, tenths), 1, 1e-12);
        hap_log_softmax(1, 4, full, log_p, NULL);
        CHECK_NEAR(ON(kendall_tau, &prompt, &all, tenths), 1 / sqrt(30), 1e-12);
        CHECK(isnan(ON(kendall_tau, &prompt, &all, ((const float[4]){5, 5, 5, 5}))));
}

TEST("the probability difference of ten years is that of the sum over years")
{
        enum { YEARS = 100, YY = 57 };
        float logits[YEARS + 3]; /* three other tokens */
        int32_t years[YEARS];
        struct hap_prompt prompt = {.n_answer_positions = 1};
        struct hap_example e = answers(years + YY + 1, YEARS - YY - 1, years, YY + 1);
        double all = 0, difference = 0;

        for (int i = 0; i < YEARS + 3; i++)
                logits[i] = (float)((i * 37) % 101) / 25;
        for (int y = 0; y < YEARS; y++) {
                years[y] = (y * 11) % YEARS;
                all += exp(logits[years[y]]);
        }
        for (int y = YY - 10; y <= YY + 10; y++)
                difference += (y > YY ? 1 : y < YY ? -1 : 0) * exp(logits[years[y]]) / all;
        CHECK_NEAR(hap_metric_value(&hap_metric_prob_diff_10, &prompt, &e, YEARS + 3, logits),
                   difference, 1e-9);
        e = answers(years + 96, 4, years, 96); /* fewer than ten follow */
        difference = 0;
        for (int y = 85; y < YEARS; y++)
                difference += (y > 95 ? 1 : y < 95 ? -1 : 0) * exp(logits[years[y]]) / all;
        CHECK_NEAR(hap_metric_value(&hap_metric_prob_diff_10, &prompt, &e, YEARS + 3, logits),
                   difference, 1e-9);
}

TEST("gradients of losses are those of finite differences")
{
        const struct hap_metric *const metrics[] = {
                &hap_metric_answer_logit, &hap_metric_answer_log_probability, &hap_metric_js};
        const float full[8] = {1, 3, 2, 2, 0, 1, 0, -1}, at[8] = {.3f, -1, 2, .5f, 1, 2, 0, .1f};
        float log_p[8];
        struct hap_prompt prompt = {.n_answer_positions = 2, .log_p = log_p};
        struct hap_example e = answers((int32_t[]){0, 2}, 2, (int32_t[]){1}, 1);

        hap_log_softmax(2, 4, full, log_p, NULL);
        for (int m = 0; m < 3; m++) {
                float gradient[8];
                const double loss = hap_metric_loss(metrics[m], &prompt, &e, 4, at, gradient);

                CHECK_NEAR(loss, hap_metric_value(metrics[m], &prompt, &e, 4, at) *
                                         (metrics[m]->lower_is_better ? 1 : -1), 1e-9);
                for (int i = 0; i < 8; i++) {
                        float up[8], down[8];

                        memcpy(up, at, sizeof up);
                        memcpy(down, at, sizeof down);
                        up[i] += .0625f;
                        down[i] -= .0625f;
                        CHECK_NEAR(gradient[i],
                                   (hap_metric_loss(metrics[m], &prompt, &e, 4, up, NULL) -
                                    hap_metric_loss(metrics[m], &prompt, &e, 4, down, NULL)) /
                                           .125, 1e-3);
                }
        }
}

RUN_TESTS
