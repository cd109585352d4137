/* Gradients of masks and of constants in families of models: against finite differences. Those
 * of engine.c are not repeated; Gemma 3 is there. */
#include "engine_bench.h"

static const char *const families[] = {
        "gemma1", "gpt-neo", "opt", "gptj", "phi", "phi3", "starcoder2",
        "stablelm", "stablelm-parallel", "granite", "cohere", "smollm3", "bigcode",
        "bigcode-heads", "falcon", "falcon-query", "falcon-alibi", "bloom", "mpt",
        "olmo2", "olmo3", "olmoe", "mixtral", "mixtral-ties", "qwen3-moe", "gpt-oss", "mistral",
        "qwen2", "tracr",
};

static void for_all(double open, bool constants)
{
        char path[128];

        for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
                snprintf(path, sizeof(path), "tests/golden/families/%s", families[i]);
                printf("# %s\n", families[i]);
                if (constants)
                        constants_difference(path, open);
                else
                        finite_difference(path, &hap_interchange, open);
        }
}

TEST("in every family mask gradients are those of finite differences, all edges open")
{
        for_all(1, false);
}

TEST("in every family mask gradients are those of finite differences, few edges open")
{
        for_all(0.3, false);
}

TEST("in every family gradients by the constants of cut edges are those of finite differences")
{
        for_all(0.6, true);
}

TEST("in every family a run with all edges is the full model")
{
        char path[128];

        for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
                snprintf(path, sizeof(path), "tests/golden/families/%s", families[i]);
                end_of_the_masks(path, 1, 5e-5);
        }
}

/* Outputs of the corrupted runs that the run makes itself, against those that are kept. */
static void check_remade(const char *path)
{
        struct bench b;
        float *z[PROMPTS], *kept, *made, *d_kept, *d_made;
        const float *zs[PROMPTS];
        double most = 0;
        bool *wanted;

        set_up(&b, path, &hap_interchange);
        random_masks(&b, 0.6, z, zs);
        kept = calloc((size_t)PROMPTS * b.n_out, sizeof(*kept));
        made = calloc((size_t)PROMPTS * b.n_out, sizeof(*made));
        d_kept = calloc(b.edges, sizeof(*d_kept));
        d_made = calloc(b.edges, sizeof(*d_made));
        wanted = calloc(b.edges, sizeof(*wanted));
        for (size_t e = 0; e < b.edges; e++)
                wanted[e] = true;
        masked(&b, &hap_metric_kl, zs, wanted, kept, d_kept);
        for (int i = 0; i < PROMPTS; i++) {
                b.prompts[i].counterfactual.tokens = b.corrupted[i];
                b.prompts[i].counterfactual.data = NULL;
        }
        masked(&b, &hap_metric_kl, zs, wanted, made, d_made);
        for (size_t e = 0; e < b.edges; e++)
                most = fmax(most, fabs((double)d_kept[e]));
        CHECK(most > 1e-3);
        CHECK_NEAR(most_apart((size_t)PROMPTS * b.n_out, kept, made), 0, 1e-4);
        CHECK_NEAR(most_apart(b.edges, d_kept, d_made), 0, 1e-4 * most);
        for (int i = 0; i < PROMPTS; i++)
                free(z[i]);
        free(kept);
        free(made);
        free(d_kept);
        free(d_made);
        free(wanted);
        tear_down(&b);
}

TEST("in every family runs that make the corrupted outputs again are those that keep them")
{
        char path[128];

        for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
                snprintf(path, sizeof(path), "tests/golden/families/%s", families[i]);
                printf("# %s\n", families[i]);
                check_remade(path);
        }
}

RUN_TESTS
