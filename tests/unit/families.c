/* Small random models of every family against the logits that transformers
 * computed from the same files (tests/golden/make_families.py). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "forward/engine.h"
#include "model/model.h"
#include "unit.h"

#define FOLDER "tests/golden/families"
#define MOST_TOKENS 64

struct golden {
        struct hap_model model;
        struct hap_engine engine;
        struct hap_work work;
        json_t *prompts;
};

static int set_up(struct golden *g, const char *name, const char *file)
{
        struct hap_error err = {0};
        char path[256];
        json_t *json;
        int rc;

        memset(g, 0, sizeof(*g));
        snprintf(path, sizeof(path), FOLDER "/%s/logits.json", name);
        json = json_load_file(path, 0, NULL);
        g->prompts = json_incref(json_object_get(json, "prompts"));
        json_decref(json);
        snprintf(path, sizeof(path), FOLDER "/%s%s", name, file);
        rc = hap_model_load(&g->model, path, &err);
        if (rc == 0)
                rc = hap_engine_init(&g->engine, &g->model, false, &err);
        if (rc == 0)
                rc = hap_work_init(&g->work, &g->engine, (size_t)1 << 26, &err);
        if (rc < 0)
                printf("# %s\n", err.message);
        return rc;
}

static void tear_down(struct golden *g)
{
        json_decref(g->prompts);
        hap_work_release(&g->work);
        hap_engine_release(&g->engine);
        hap_model_release(&g->model);
}

/* Logits at all positions of a prompt. */
static const float *run(struct golden *g, const int32_t *tokens, int n)
{
        struct hap_prompt prompt = {.n_tokens = n, .tokens = tokens, .n_answers = n};
        const struct hap_prompt *one = &prompt;
        struct hap_batch batch;
        struct hap_plain plain = {0};

        g->work.used = 0;
        CHECK(hap_batch_init(&batch, &g->work, &one, 1, false) == 0);
        CHECK(hap_plain_forward(&g->work, &batch, &plain) == 0);
        return plain.logits;
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
                if (!(apart <= most))
                        most = apart;
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
        CHECK_TEXT(g.model.config.family, family);
        CHECK(json_array_size(g.prompts) == 3);
        json_array_foreach(g.prompts, i, prompt) {
                const json_t *ids = json_object_get(prompt, "tokens");
                size_t n = json_array_size(ids);

                CHECK(n <= MOST_TOKENS);
                for (t = 0; t < n; t++)
                        tokens[t] = (int32_t)json_integer_value(json_array_get(ids, t));
                compare(json_object_get(prompt, "logits"), run(&g, tokens, (int)n),
                        g.model.config.n_out, &worst, &spread);
                CHECK(spread > 0.1);
                CHECK_NEAR(worst / spread, 0, 2e-4);
        }
        tear_down(&g);
}

#define FAMILY(name, file, family)                                             \
        TEST("logits of " name " are those of transformers")                   \
        {                                                                      \
                check_family(name, file, family);                              \
        }

FAMILY("gpt2-f16", "", "gpt2")
FAMILY("llama-bf16", "", "llama")
FAMILY("llama-linear", "", "llama")
FAMILY("mistral", "", "mistral")
FAMILY("qwen2", "", "qwen2")
FAMILY("qwen3", "", "qwen3")
FAMILY("neox", "", "gpt_neox")
FAMILY("neox-sequential", "", "gpt_neox")
FAMILY("gemma2", "", "gemma2")
FAMILY("gemma3", "", "gemma3_text")
FAMILY("llama-gguf", "/model.gguf", "llama")
FAMILY("llama-q4-gguf", "/model.gguf", "llama")
FAMILY("qwen2-gguf", "/model.gguf", "qwen2")
FAMILY("qwen3-gguf", "/model.gguf", "qwen3")
FAMILY("gemma2-gguf", "/model.gguf", "gemma2")
FAMILY("gemma3-gguf", "/model.gguf", "gemma3_text")
FAMILY("gpt2-gguf", "/model.gguf", "gpt2")
FAMILY("neox-gguf", "/model.gguf", "gpt_neox")

RUN_TESTS
