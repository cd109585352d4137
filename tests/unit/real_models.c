/* Real models against other programs that read the same file (tests/golden/make_smollm2.py and
 * make_gemma3.py); skipped if the model was not fetched. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "tokenizer/tokenizer.h"
#include "run_model.h"

#define MOST_TOKENS 128

struct real {
        const char *file, *golden_file;
        const char *some; /* the key of every `step`-th logit, which are n_some */
        size_t step, n_some;
        struct loaded loaded;
        json_t *golden;
};

static struct real smollm2 = {.file = "models/smollm2/model.gguf",
                              .golden_file = "tests/golden/smollm2.json",
                              .some = "every_512th",
                              .step = 512,
                              .n_some = 96};
static struct real gemma3 = {.file = "models/gemma3/model.gguf",
                             .golden_file = "tests/golden/gemma3.json",
                             .some = "every_4096th",
                             .step = 4096,
                             .n_some = 64};

/* Loads the model for the first test that asks: whether there is one. */
static int have(struct real *real)
{
        if (real->golden)
                return 1;
        if (access(real->file, R_OK) < 0)
                return 0;
        real->golden = json_load_file(real->golden_file, 0, NULL);
        CHECK(load(&real->loaded, real->file) == 0);
        return json_array_size(real->golden) == 20;
}

static int read_tokens(const json_t *list, int32_t *tokens)
{
        int n = (int)json_array_size(list);

        CHECK(n > 0 && n <= MOST_TOKENS);
        for (int i = 0; i < n; i++)
                tokens[i] = (int32_t)json_integer_value(json_array_get(list, (size_t)i));
        return n;
}

static double number(const json_t *record, const char *key)
{
        return json_number_value(json_object_get(record, key));
}

static void check_tokens(const struct real *real)
{
        struct hap_tokenizer *tokenizer;
        struct hap_error err = {0};
        const json_t *record;
        size_t i;

        CHECK(hap_tokenizer_load(&tokenizer, real->file, &err) == 0);
        json_array_foreach(real->golden, i, record) {
                const char *text = json_string_value(json_object_get(record, "text"));
                int32_t wanted[MOST_TOKENS], tokens[MOST_TOKENS];
                int n = read_tokens(json_object_get(record, "tokens"), wanted);

                CHECK(hap_tokenizer_encode(tokenizer, text, strlen(text), false, true, tokens,
                                           MOST_TOKENS, &err) == n);
                CHECK(memcmp(tokens, wanted, (size_t)n * sizeof(*tokens)) == 0);
        }
        hap_tokenizer_free(tokenizer);
}

/* Within 2e-4 of their spread. */
static void check_logits(struct real *real)
{
        const int n_out = real->loaded.model.config.n_out;
        const json_t *record;
        size_t i;

        json_array_foreach(real->golden, i, record) {
                int32_t tokens[MOST_TOKENS], top[5];
                int n = read_tokens(json_object_get(record, "tokens"), tokens);
                const json_t *some = json_object_get(record, real->some);
                const json_t *top_logits = json_object_get(record, "top_logits");
                const float *logits = run(&real->loaded, tokens, n, n - 1);
                const double allowed = 2e-4 * number(record, "deviation");
                double sum = 0;

                CHECK(json_array_size(some) == real->n_some);
                CHECK(read_tokens(json_object_get(record, "top"), top) == 5);
                for (size_t k = 0; k < json_array_size(some); k++)
                        CHECK_NEAR(logits[real->step * k],
                                   json_number_value(json_array_get(some, k)), allowed);
                for (size_t k = 0; k < 5; k++)
                        CHECK_NEAR(logits[top[k]],
                                   json_number_value(json_array_get(top_logits, k)), allowed);
                for (int k = 0; k < n_out; k++)
                        sum += (double)logits[k];
                CHECK_NEAR(sum / n_out, number(record, "mean"), allowed);
        }
}

/* The same 32 tokens after each of five prompts. Releases the model. */
static void check_greedy(struct real *real)
{
        for (size_t i = 0; i < 5; i++) {
                const json_t *record = json_array_get(real->golden, i);
                int32_t tokens[MOST_TOKENS], wanted[MOST_TOKENS];
                int n = read_tokens(json_object_get(record, "tokens"), tokens);

                CHECK(read_tokens(json_object_get(record, "greedy"), wanted) == 32);
                for (int step = 0; step < 32 && n < MOST_TOKENS; step++) {
                        const float *logits = run(&real->loaded, tokens, n, n - 1);
                        int best = 0;

                        for (int k = 1; k < real->loaded.model.config.n_out; k++)
                                best = logits[k] > logits[best] ? k : best;
                        CHECK(best == wanted[step]);
                        tokens[n++] = best;
                }
        }
        json_decref(real->golden);
        unload(&real->loaded);
}

#define NEEDS(real)                                                                                \
        do {                                                                                       \
                if (!have(&(real)))                                                                \
                        SKIP("the model was not fetched (hap-model fetch " #real ")");             \
        } while (0)

TEST("SmolLM2's tokens are those of transformers")
{
        NEEDS(smollm2);
        check_tokens(&smollm2);
}

TEST("SmolLM2's logits are those of transformers, within 2e-4 of their spread")
{
        NEEDS(smollm2);
        check_logits(&smollm2);
}

TEST("SmolLM2 generates the same 32 tokens as in transformers")
{
        NEEDS(smollm2);
        check_greedy(&smollm2);
}

TEST("Gemma 3's tokens are those of sentencepiece")
{
        NEEDS(gemma3);
        check_tokens(&gemma3);
}

TEST("Gemma 3's logits are those of transformers, within 2e-4 of their spread")
{
        NEEDS(gemma3);
        check_logits(&gemma3);
}

TEST("Gemma 3 generates the same 32 tokens as in transformers")
{
        NEEDS(gemma3);
        check_greedy(&gemma3);
}

RUN_TESTS
