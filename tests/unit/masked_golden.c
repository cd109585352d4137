/* Masked runs, their gradients and EAP scores against an implementation of the edge graph in
 * PyTorch, in float64 (tests/golden/make_masked.py; with experts as nodes
 * make_masked_experts.py). */
#include "engine_bench.h"
#include "forward/attention.h"
#include "model/family.h"

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

/* The logits with the edges out of the input cut, and all others open. */
static void check_cut_input(struct bench *b, const json_t *golden, float *z, const float *const *zs,
                            float *logits)
{
        for (size_t e = 0; e < b->edges; e++)
                z[e] = hap_graph_edge_writer(&b->engine.graph, e) != 0;
        masked(b, &hap_metric_kl, zs, NULL, logits, NULL);
        for (int i = 0; i < PROMPTS; i++)
                CHECK_NEAR(relative(json_array_get(json_object_get(golden, "zero_inputs"), (size_t)i),
                                    logits + (size_t)i * b->n_out, 1), 0, 2e-5);
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

        snprintf(path, sizeof(path), "tests/golden/masked%s/%s.json", as_experts ? "-experts" : "",
                 name);
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
        if (as_experts)
                check_cut_input(&b, golden, z, zs, logits);
        free(z);
        free(d_z);
        free(wanted);
        free(logits);
        json_decref(golden);
        tear_down(&b);
        given_clean = given_corrupted = NULL;
}

/* Every family; mixtures of experts also with a router that cannot decide. */
static const char *const all_names[] = {
        "gpt2-f16", "gpt-neo", "neox", "neox-sequential", "gptj", "bigcode", "bigcode-heads",
        "opt", "llama-linear", "mistral", "qwen2", "qwen3", "qwen3-moe", "smollm3", "olmo2",
        "olmo3", "olmoe", "mixtral", "mixtral-ties", "gpt-oss", "falcon", "falcon-query",
        "falcon-alibi", "bloom", "mpt", "granite", "stablelm", "stablelm-parallel",
        "starcoder2", "phi", "phi3", "cohere", "gemma1", "gemma2", "gemma3", "gemma3-vision",
        "tracr",
};
enum { N_NAMES = sizeof(all_names) / sizeof(*all_names) };

TEST("masked runs, their gradients and EAP scores are those of the edge graph in PyTorch")
{
        for (size_t i = 0; i < N_NAMES; i++) {
                printf("# %s\n", all_names[i]);
                check_masked(all_names[i]);
        }
}

TEST("the same where each expert of a mixture is a node, with the clean run's weights")
{
        static const char *const names[] = {"mixtral", "mixtral-ties", "qwen3-moe", "olmoe",
                                            "gpt-oss"};

        as_experts = true;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                printf("# %s\n", names[i]);
                check_masked(names[i]);
        }
        as_experts = false;
}

/* Whether one of the models is of the family. */
static bool is_covered(const struct hap_family *family)
{
        for (size_t i = 0; i < N_NAMES; i++) {
                struct hap_model model;
                struct hap_error err = {0};
                char path[128];
                bool same;

                snprintf(path, sizeof(path), "tests/golden/families/%s", all_names[i]);
                CHECK(hap_model_load_config(&model, path, &err) == 0);
                same = strcmp(model.config.family, family->name) == 0;
                hap_model_release(&model);
                if (same)
                        return true;
        }
        return false;
}

TEST("every family of the table is among them")
{
        for (const struct hap_family *const *at = hap_families; *at; at++) {
                printf("# %s\n", (*at)->name);
                CHECK(is_covered(*at));
        }
}

TEST("masked runs of prompts that count as long are those of the edge graph in PyTorch")
{
        static const char *const names[] = {"olmo3", "mixtral", "gpt-oss"};

        for (int queries = 1; queries <= 5; queries += 2)
                for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                        const struct hap_long_prompts usual = hap_long_prompts;

                        hap_long_prompts = (struct hap_long_prompts){6, queries};
                        check_masked(names[i]);
                        hap_long_prompts = usual;
                }
}

/* Logits and gradients of one model, in z and d_z, with prompts that count as long or not. */
static void run_lengths(const char *path, int length, float *logits, float *d_z, size_t *edges,
                        int *n_out)
{
        const struct hap_long_prompts usual = hap_long_prompts;
        struct bench b;
        float *z[PROMPTS];
        const float *zs[PROMPTS];
        bool *wanted;

        hap_long_prompts = (struct hap_long_prompts){length, 2};
        set_up(&b, path, &hap_interchange);
        random_masks(&b, 0.8, z, zs);
        wanted = calloc(b.edges, sizeof(*wanted));
        for (size_t e = 0; e < b.edges; e++)
                wanted[e] = true;
        masked(&b, &hap_metric_kl, zs, wanted, logits, d_z);
        *edges = b.edges;
        *n_out = b.n_out;
        for (int i = 0; i < PROMPTS; i++)
                free(z[i]);
        free(wanted);
        tear_down(&b);
        hap_long_prompts = usual;
}

TEST("prompts give the same whether they count as long or not: caps, windows, ALiBi, sinks")
{
        static const char *const names[] = {"gemma2", "gemma3", "falcon-alibi", "bloom", "neox",
                                            "gpt-neo", "gpt-oss", "phi3"};
        enum { MOST = 1 << 12 };
        static float logits[2][MOST], d_z[2][MOST];

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                double most = 0;
                size_t edges;
                char path[128];
                int n_out;

                snprintf(path, sizeof(path), "tests/golden/families/%s", names[i]);
                run_lengths(path, 256, logits[0], d_z[0], &edges, &n_out);
                run_lengths(path, 4, logits[1], d_z[1], &edges, &n_out);
                CHECK(edges <= MOST && PROMPTS * n_out <= MOST);
                for (size_t e = 0; e < edges; e++)
                        most = fmax(most, fabs((double)d_z[0][e]));
                CHECK_NEAR(most_apart((size_t)PROMPTS * (size_t)n_out, logits[0], logits[1]), 0,
                           1e-4);
                CHECK_NEAR(most_apart(edges, d_z[0], d_z[1]), 0, 1e-3 * most);
        }
}

RUN_TESTS
