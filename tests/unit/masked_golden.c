/* Masked runs, their gradients and EAP scores against an implementation of the edge graph in
 * PyTorch, in float64 (tests/golden/make_masked.py). */
#include "engine_bench.h"

static int32_t clean[PROMPTS][MOST_TOKENS], corrupted[PROMPTS][MOST_TOKENS];

static void read_tokens(const json_t *prompts, int32_t to[PROMPTS][MOST_TOKENS])
{
        CHECK(json_array_size(prompts) == PROMPTS);
        for (size_t i = 0; i < PROMPTS; i++) {
                const json_t *ids = json_array_get(prompts, i);

                CHECK(json_array_size(ids) <= MOST_TOKENS);
                for (size_t t = 0; t < json_array_size(ids); t++)
                        to[i][t] = (int32_t)json_integer_value(json_array_get(ids, t));
        }
}

/* The root of the summed squares of the differences, over that of the expected values. */
static double relative(const json_t *expected, const float *values, double sign)
{
        const size_t n = json_array_size(expected);
        double apart = 0, norm = 0;

        for (size_t i = 0; i < n; i++) {
                const double wanted = json_number_value(json_array_get(expected, i));

                apart += (sign * values[i] - wanted) * (sign * values[i] - wanted);
                norm += wanted * wanted;
        }
        CHECK(norm > 0);
        return sqrt(apart / norm);
}

static void check_masked(const char *name)
{
        char path[128];
        struct bench b;
        float *z, *d_z, *logits;
        const float *zs[PROMPTS];
        bool *wanted;
        json_t *golden;
        double kl;

        snprintf(path, sizeof(path), "tests/golden/masked/%s.json", name);
        golden = json_load_file(path, 0, NULL);
        read_tokens(json_object_get(golden, "clean"), clean);
        read_tokens(json_object_get(golden, "corrupted"), corrupted);
        given_clean = (const int32_t(*)[MOST_TOKENS])clean;
        given_corrupted = (const int32_t(*)[MOST_TOKENS])corrupted;
        snprintf(path, sizeof(path), "tests/golden/families/%s", name);
        set_up(&b, path, &hap_interchange);
        CHECK(json_array_size(json_object_get(golden, "z")) == b.edges);
        z = calloc(b.edges, sizeof(*z));
        d_z = calloc(b.edges, sizeof(*d_z));
        wanted = calloc(b.edges, sizeof(*wanted));
        logits = calloc((size_t)PROMPTS * b.n_out, sizeof(*logits));
        for (size_t e = 0; e < b.edges; e++) {
                z[e] = (float)json_number_value(
                        json_array_get(json_object_get(golden, "z"), e));
                wanted[e] = true;
        }
        for (int i = 0; i < PROMPTS; i++)
                zs[i] = z;
        kl = masked(&b, &hap_metric_kl, zs, wanted, logits, d_z);
        CHECK_NEAR(kl, json_number_value(json_object_get(golden, "kl")), 2e-5 * fabs(kl));
        for (int i = 0; i < PROMPTS; i++)
                CHECK_NEAR(relative(json_array_get(json_object_get(golden, "logits"), (size_t)i),
                                    logits + (size_t)i * b.n_out, 1), 0, 2e-5);
        CHECK_NEAR(relative(json_object_get(golden, "kl_gradient"), d_z, 1), 0, 1e-4);
        for (size_t e = 0; e < b.edges; e++)
                z[e] = 1;
        masked(&b, &hap_metric_logit_diff, zs, wanted, NULL, d_z);
        CHECK_NEAR(relative(json_object_get(golden, "eap"), d_z, -1), 0, 1e-4);
        free(z);
        free(d_z);
        free(wanted);
        free(logits);
        json_decref(golden);
        tear_down(&b);
        given_clean = given_corrupted = NULL;
}

#define MASKED(name)                                                                    \
        TEST("masked runs of " name " are those of the edge graph in PyTorch")          \
        {                                                                               \
                check_masked(name);                                                     \
        }

MASKED("llama-linear")
MASKED("olmo2")
MASKED("olmo3")
MASKED("olmoe")
MASKED("mixtral")
MASKED("mixtral-ties")
MASKED("qwen3-moe")
MASKED("gpt-oss")

RUN_TESTS
