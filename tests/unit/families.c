/* Small random models of every family against the logits that transformers
 * computed from the same files (tests/golden/make_families.py). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "run_model.h"

#define FOLDER "tests/golden/families"
#define MOST_TOKENS 64

struct golden {
        struct loaded loaded;
        json_t *prompts;
};

static int set_up(struct golden *g, const char *name, const char *file)
{
        char path[256];
        json_t *json;

        snprintf(path, sizeof(path), FOLDER "/%s/logits.json", name);
        json = json_load_file(path, 0, NULL);
        g->prompts = json_incref(json_object_get(json, "prompts"));
        json_decref(json);
        snprintf(path, sizeof(path), FOLDER "/%s%s", name, file);
        return load(&g->loaded, path);
}

/* The largest difference and the standard deviation of the expected logits. */
static void compare(const json_t *rows, const float *logits, int n_out, double *worst,
                    double *spread)
{
        double sum = 0, squares = 0, most = 0;
        size_t n = json_array_size(rows) * (size_t)n_out;

        for (size_t i = 0; i < n; i++) {
                const json_t *row = json_array_get(rows, i / (size_t)n_out);
                double wanted = json_number_value(json_array_get(row, i % (size_t)n_out));
                double apart = fabs((double)logits[i] - wanted);

                CHECK(json_array_size(row) == (size_t)n_out);
                if (isnan(apart))
                        apart = INFINITY;
                most = fmax(most, apart);
                sum += wanted;
                squares += wanted * wanted;
        }
        *worst = most;
        *spread = sqrt(squares / (double)n - sum * sum / (double)(n * n));
}

static void check_family(const char *name, const char *file, const char *family)
{
        int32_t tokens[MOST_TOKENS];
        double worst, spread;
        struct golden g;
        json_t *prompt;
        size_t i, t;

        CHECK(set_up(&g, name, file) == 0);
        CHECK_TEXT(g.loaded.model.config.family, family);
        CHECK(json_array_size(g.prompts) == 3);
        json_array_foreach(g.prompts, i, prompt) {
                const json_t *ids = json_object_get(prompt, "tokens");
                size_t n = json_array_size(ids);

                CHECK(n <= MOST_TOKENS);
                for (t = 0; t < n; t++)
                        tokens[t] = (int32_t)json_integer_value(json_array_get(ids, t));
                compare(json_object_get(prompt, "logits"), run(&g.loaded, tokens, (int)n, 0),
                        g.loaded.model.config.n_out, &worst, &spread);
                CHECK(spread > 0.1);
                CHECK_NEAR(worst / spread, 0, 2e-4);
        }
        json_decref(g.prompts);
        unload(&g.loaded);
}

#define FAMILY(name, file, family)                                             \
        TEST("logits of " name file " are those of transformers")              \
        {                                                                      \
                check_family(name, file, family);                              \
        }

/* A GGUF file of the folder NAME (make_ggufs.py), whose logits are those of the folder. */
#define FOLDER_AS_GGUF(name, family) FAMILY(name, "-gguf/model.gguf", family)

FAMILY("gpt2-f16", "", "gpt2")
FAMILY("llama-bf16", "", "llama")
FAMILY("llama-linear", "", "llama")
FAMILY("mistral", "", "mistral")
FAMILY("mistral-layers", "", "mistral")
FAMILY("qwen2", "", "qwen2")
FAMILY("qwen3", "", "qwen3")
FAMILY("neox", "", "gpt_neox")
FAMILY("neox-sequential", "", "gpt_neox")
FAMILY("gemma2", "", "gemma2")
FAMILY("gemma3", "", "gemma3_text")
FAMILY("gemma1", "", "gemma")
FAMILY("gemma3-vision", "", "gemma3")
FAMILY("gpt-neo", "", "gpt_neo")
FAMILY("opt", "", "opt")
FAMILY("gptj", "", "gptj")
FAMILY("phi", "", "phi")
FAMILY("phi3", "", "phi3")
FAMILY("starcoder2", "", "starcoder2")
FAMILY("stablelm", "", "stablelm")
FAMILY("stablelm-parallel", "", "stablelm")
FAMILY("granite", "", "granite")
FAMILY("cohere", "", "cohere")
FAMILY("smollm3", "", "smollm3")
FAMILY("falcon", "", "falcon")
FAMILY("falcon-query", "", "falcon")
FAMILY("falcon-alibi", "", "falcon")
FAMILY("bloom", "", "bloom")
FAMILY("mpt", "", "mpt")
FAMILY("bigcode", "", "gpt_bigcode")
FAMILY("bigcode-heads", "", "gpt_bigcode")
FAMILY("olmo2", "", "olmo2")
FAMILY("olmo3", "", "olmo3")
FAMILY("olmoe", "", "olmoe")
FAMILY("mixtral", "", "mixtral")
FAMILY("mixtral-ties", "", "mixtral")
FAMILY("qwen3-moe", "", "qwen3_moe")
FAMILY("gpt-oss", "", "gpt_oss")
FAMILY("gpt-oss-mxfp4", "", "gpt_oss")
FAMILY("../cases/family-mixtral", "", "mixtral")
FAMILY("../cases/family-olmo2", "", "olmo2")
FAMILY("llama-gguf", "/model.gguf", "llama")
FAMILY("llama-q4-gguf", "/model.gguf", "llama")
FAMILY("qwen2-gguf", "/model.gguf", "qwen2")
FAMILY("qwen3-gguf", "/model.gguf", "qwen3")
FAMILY("gemma2-gguf", "/model.gguf", "gemma2")
FAMILY("gemma3-gguf", "/model.gguf", "gemma3_text")
FAMILY("gpt2-gguf", "/model.gguf", "gpt2")
FAMILY("neox-gguf", "/model.gguf", "gpt_neox")
FAMILY("llama-yarn", "", "llama")
FAMILY("llama-yarn-factors", "", "llama")
FAMILY("llama-longrope", "", "llama")
FAMILY("../cases/gpt2-inverse-layer-idx", "", "gpt2")
FAMILY("../cases/gpt2-medium-keys", "", "gpt2")
FAMILY("../cases/neox-custom-pipelines", "", "gpt_neox")
FAMILY("../cases/llama-dynamic-short", "", "llama")
FAMILY("../cases/gguf-q3_k", "/model.gguf", "llama")
FAMILY("../cases/gguf-iq4_nl", "/model.gguf", "llama")

FOLDER_AS_GGUF("bloom-plain", "bloom")
FOLDER_AS_GGUF("mpt-plain", "mpt")
FOLDER_AS_GGUF("falcon-plain", "falcon")
FOLDER_AS_GGUF("cohere", "cohere")
FOLDER_AS_GGUF("gemma1", "gemma")
FOLDER_AS_GGUF("bigcode-plain", "gpt_bigcode")
FOLDER_AS_GGUF("granite", "granite")
FOLDER_AS_GGUF("phi2", "phi")
FOLDER_AS_GGUF("phi3", "phi3")
FOLDER_AS_GGUF("phi3-longrope", "phi3")
FOLDER_AS_GGUF("stablelm", "stablelm")
FOLDER_AS_GGUF("stablelm-parallel", "stablelm")
FOLDER_AS_GGUF("starcoder2-plain", "starcoder2")
FOLDER_AS_GGUF("smollm3-plain", "smollm3")
FOLDER_AS_GGUF("olmo2", "olmo2")
FOLDER_AS_GGUF("olmo3", "olmo2")
FOLDER_AS_GGUF("olmoe", "olmoe")
FOLDER_AS_GGUF("mixtral-ties", "llama")
FOLDER_AS_GGUF("qwen3-moe", "qwen3_moe")
FOLDER_AS_GGUF("gpt-oss", "gpt_oss")
FAMILY("starcoder2-plain", "-split/model-00001-of-00003.gguf", "starcoder2")
FAMILY("starcoder2-plain", "-split", "starcoder2")
FAMILY("starcoder2-plain", "-gguf", "starcoder2")
FAMILY("phi2", "", "phi")
FAMILY("phi3-longrope", "", "phi3")
FAMILY("smollm3-plain", "", "smollm3")

RUN_TESTS
