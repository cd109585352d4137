/* A metric and a method that only this file defines, and a run of both on a model. */
#include <math.h>

#include "attrib/attrib.h"
#include "attrib/gradient.h"
#include "engine_bench.h"
#include "metric/evaluate.h"

/* --- the toy metric: the logit of the first right answer --- */

static double answer_logit_value(const struct hap_metric_input *at)
{
        return at->logits[at->example->answers[0]];
}

static double answer_logit_gradient(const struct hap_metric_input *at, double weight,
                                    float *gradient)
{
        if (gradient)
                gradient[at->example->answers[0]] -= (float)weight;
        return -answer_logit_value(at);
}

static const struct hap_metric answer_logit = {
        .name = "answer-logit",
        .help = "the logit of the first right answer",
        .needs = HAP_NEEDS_ANSWERS,
        .value = answer_logit_value,
        .gradient = answer_logit_gradient,
};

/* --- the toy method: the gradient half way between corrupted and clean input --- */

static int midpoint_runs(struct hap_gradient_batch *batch)
{
        int rc = hap_gradient_clean_run(batch, false);

        return rc < 0 ? rc : hap_gradient_input_run(batch, 0.5);
}

static int run_midpoint(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                        struct hap_error *err)
{
        return hap_gradient_scores(attrib, prompts, midpoint_runs, err);
}

static const struct hap_method midpoint = {
        .name = "midpoint",
        .help = "gradient half way between the corrupted and the clean input",
        .runs = HAP_MEMORY_GRADIENTS,
        .run = run_midpoint,
};

/* --- on a golden model --- */

static struct hap_error err;

/* The bench's prompts, as the loader gives them. */
static struct hap_prompts prompts_of(struct bench *b)
{
        struct hap_prompts prompts = {.examples = b->examples, .items = b->prompts,
                                      .pointers = b->pointers, .n = PROMPTS};

        for (int i = 0; i < PROMPTS; i++)
                CHECK(hap_batches_add(&prompts.batches, b->examples + i, 0, &err) == 0);
        return prompts;
}

static double *scores_by(struct bench *b, const struct hap_prompts *prompts,
                         const struct hap_method *method, const struct hap_metric *metric)
{
        const struct hap_attrib_options options = {.method = method, .metric = metric,
                                                   .steps = 2, .ablation = &hap_interchange};
        double *score = calloc(b->edges, sizeof(*score));
        struct hap_attrib attrib;

        CHECK(hap_attrib_init(&attrib, &b->engine, &options, &err) == 0);
        CHECK(hap_attrib_add(&attrib, prompts, &err) == 0);
        hap_attrib_scores(&attrib, score);
        hap_attrib_release(&attrib);
        return score;
}

static const struct hap_method *method_named(const char *name)
{
        for (int i = 0; hap_methods[i]; i++)
                if (strcmp(hap_methods[i]->name, name) == 0)
                        return hap_methods[i];
        CHECK(false); /* a method of that name */
        return NULL;
}

/* With g(α) the gradient at input a' + α (a − a'), eap is g(1), clean-corrupted
 * (g(1) + g(0)) / 2, eap-ig-inputs in two steps (g(0) + g(½)) / 2, so that
 * g(½) = 2 eap-ig-inputs − 2 clean-corrupted + eap. */
TEST("a method of this file's own runs without another file's knowing it")
{
        for (int m = 0; m < 2; m++) {
                struct bench b;
                struct hap_prompts prompts;
                double *half, *eap, *ig, *ends, max = 0;

                set_up(&b, models[m], &hap_interchange);
                prompts = prompts_of(&b);
                half = scores_by(&b, &prompts, &midpoint, &hap_metric_logit_diff);
                eap = scores_by(&b, &prompts, method_named("eap"), &hap_metric_logit_diff);
                ig = scores_by(&b, &prompts, method_named("eap-ig-inputs"),
                               &hap_metric_logit_diff);
                ends = scores_by(&b, &prompts, method_named("clean-corrupted"),
                                 &hap_metric_logit_diff);
                for (size_t e = 0; e < b.edges; e++)
                        max = fmax(max, fabs(half[e]));
                CHECK(max > 1e-4);
                for (size_t e = 0; e < b.edges; e++)
                        CHECK_NEAR(half[e], 2 * ig[e] - 2 * ends[e] + eap[e], 1e-4 * max);
                free(half);
                free(eap);
                free(ig);
                free(ends);
                hap_batches_release(&prompts.batches);
                tear_down(&b);
        }
}

/* The logit difference is the answer's logit minus the wrong one's, so its scores are
 * the scores of the one minus those of the other. */
TEST("a metric of this file's own scores edges, alone and with this file's method")
{
        struct bench b;
        struct hap_prompts prompts;
        double *right, *wrong, *both, max = 0;

        set_up(&b, models[0], &hap_interchange);
        prompts = prompts_of(&b);
        right = scores_by(&b, &prompts, &midpoint, &answer_logit);
        both = scores_by(&b, &prompts, &midpoint, &hap_metric_logit_diff);
        for (int i = 0; i < PROMPTS; i++)
                b.examples[i].answers = &b.wrong;
        wrong = scores_by(&b, &prompts, &midpoint, &answer_logit);
        for (size_t e = 0; e < b.edges; e++)
                max = fmax(max, fabs(both[e]));
        CHECK(max > 1e-4);
        for (size_t e = 0; e < b.edges; e++)
                CHECK_NEAR(both[e], right[e] - wrong[e], 1e-4 * max);
        free(right);
        free(wrong);
        free(both);
        hap_batches_release(&prompts.batches);
        tear_down(&b);
}

TEST("a metric of this file's own is evaluated beside the table's")
{
        const struct hap_metric *const metrics[] = {&answer_logit, &hap_metric_logit_diff};
        struct bench b;
        struct hap_prompts prompts;
        double values[PROMPTS][2], of_wrong[PROMPTS];
        const struct hap_metric *const only[] = {&answer_logit};
        float *z;

        set_up(&b, models[0], &hap_interchange);
        prompts = prompts_of(&b);
        z = calloc(b.edges, sizeof(*z));
        CHECK(hap_evaluate(&b.engine, &prompts, z, metrics, 2, values[0], &err) == 0);
        for (int i = 0; i < PROMPTS; i++)
                b.examples[i].answers = &b.wrong;
        CHECK(hap_evaluate(&b.engine, &prompts, z, only, 1, of_wrong, &err) == 0);
        for (int i = 0; i < PROMPTS; i++)
                CHECK_NEAR(values[i][1], values[i][0] - of_wrong[i], 1e-5);
        free(z);
        hap_batches_release(&prompts.batches);
        tear_down(&b);
}

TEST("a row's needs are checked: answers, and a metric whose gradient is not zero")
{
        const struct hap_example none = {0};
        struct hap_attrib_options options = {.method = method_named("eap"),
                                             .metric = &hap_metric_kl,
                                             .ablation = &hap_interchange};
        struct hap_attrib attrib;
        struct bench b;

        CHECK_TEXT(hap_metric_missing(&answer_logit, &none), "answers");
        CHECK(hap_metric_missing(&hap_metric_kl, &none) == NULL);
        set_up(&b, models[0], &hap_interchange);
        CHECK(hap_attrib_init(&attrib, &b.engine, &options, &err) == HAP_EUSAGE);
        options.method = &midpoint;
        CHECK(hap_attrib_init(&attrib, &b.engine, &options, &err) == 0);
        hap_attrib_release(&attrib);
        tear_down(&b);
}

TEST("the choices of the options are the rows of the tables")
{
        const char *help = NULL;
        int n = 0;

        for (; hap_methods[n]; n++)
                CHECK_TEXT(hap_method_choice(n, &help), hap_methods[n]->name);
        CHECK(n == 16 && !hap_method_choice(n, &help));
        for (n = 0; hap_metrics[n]; n++)
                CHECK_TEXT(hap_metric_choice(n, &help), hap_metrics[n]->name);
        CHECK(n == 14 && !hap_metric_choice(n, &help));
        for (n = 0; hap_ablations[n]; n++)
                CHECK_TEXT(hap_ablation_choice(n, &help), hap_ablations[n]->name);
        CHECK(n == 9 && !hap_ablation_choice(n, &help));
        for (n = 0; hap_metric_with_gradient(n); n++)
                CHECK_TEXT(hap_metric_gradient_choice(n, &help),
                           hap_metric_with_gradient(n)->name);
        CHECK(n == 6 && !hap_metric_gradient_choice(n, &help));
}

RUN_TESTS
