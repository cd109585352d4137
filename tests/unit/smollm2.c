/* SmolLM2 against transformers, which reads the same file (tests/golden/make_smollm2.py); skipped
 * if the model was not fetched. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "tokenizer/tokenizer.h"
#include "run_model.h"

#define MODEL "models/smollm2/model.gguf"
#define MOST_TOKENS 128
#define NO_MODEL MODEL " was not fetched (hap-model fetch smollm2)"

static struct loaded smollm2;
static json_t *golden;

/* Loads the model for the first test that asks: whether there is one. */
static int have_model(void)
{
        if (golden)
                return 1;
        if (access(MODEL, R_OK) < 0)
                return 0;
        golden = json_load_file("tests/golden/smollm2.json", 0, NULL);
        CHECK(load(&smollm2, MODEL) == 0);
        return json_array_size(golden) == 20;
}

static int read_tokens(const json_t *list, int32_t *tokens)
{
        int n = (int)json_array_size(list);

        CHECK(n > 0 && n <= MOST_TOKENS);
        for (int i = 0; i < n; i++)
                tokens[i] = (int32_t)json_integer_value(json_array_get(list, (size_t)i));
        return n;
}

static double real(const json_t *record, const char *key)
{
        return json_number_value(json_object_get(record, key));
}

TEST("SmolLM2's tokens are those of transformers")
{
        struct hap_tokenizer *tokenizer;
        struct hap_error err = {0};
        const json_t *record;
        size_t i;

        if (!have_model())
                SKIP(NO_MODEL);
        CHECK(hap_tokenizer_load(&tokenizer, MODEL, &err) == 0);
        json_array_foreach(golden, i, record) {
                const char *text = json_string_value(json_object_get(record, "text"));
                int32_t wanted[MOST_TOKENS], tokens[MOST_TOKENS];
                int n = read_tokens(json_object_get(record, "tokens"), wanted);

                CHECK(hap_tokenizer_encode(tokenizer, text, strlen(text), false, true, tokens,
                                           MOST_TOKENS, &err) == n);
                CHECK(memcmp(tokens, wanted, (size_t)n * sizeof(*tokens)) == 0);
        }
        hap_tokenizer_free(tokenizer);
}

TEST("SmolLM2's logits are those of transformers, within 2e-4 of their spread")
{
        const json_t *record;
        size_t i;

        if (!have_model())
                SKIP(NO_MODEL);
        json_array_foreach(golden, i, record) {
                int32_t tokens[MOST_TOKENS], top[5];
                int n = read_tokens(json_object_get(record, "tokens"), tokens);
                const json_t *some = json_object_get(record, "every_512th");
                const json_t *top_logits = json_object_get(record, "top_logits");
                const float *logits = run(&smollm2, tokens, n, n - 1);
                const double allowed = 2e-4 * real(record, "deviation");
                double sum = 0;

                CHECK(json_array_size(some) == 96);
                CHECK(read_tokens(json_object_get(record, "top"), top) == 5);
                for (size_t k = 0; k < json_array_size(some); k++)
                        CHECK_NEAR(logits[512 * k], json_number_value(json_array_get(some, k)),
                                   allowed);
                for (size_t k = 0; k < 5; k++)
                        CHECK_NEAR(logits[top[k]],
                                   json_number_value(json_array_get(top_logits, k)), allowed);
                for (int k = 0; k < smollm2.model.config.n_out; k++)
                        sum += (double)logits[k];
                CHECK_NEAR(sum / smollm2.model.config.n_out, real(record, "mean"), allowed);
        }
}

TEST("SmolLM2 generates the same 32 tokens as in transformers")
{
        if (!have_model())
                SKIP(NO_MODEL);
        for (size_t i = 0; i < 5; i++) {
                const json_t *record = json_array_get(golden, i);
                int32_t tokens[MOST_TOKENS], wanted[MOST_TOKENS];
                int n = read_tokens(json_object_get(record, "tokens"), tokens);

                CHECK(read_tokens(json_object_get(record, "greedy"), wanted) == 32);
                for (int step = 0; step < 32 && n < MOST_TOKENS; step++) {
                        const float *logits = run(&smollm2, tokens, n, n - 1);
                        int best = 0;

                        for (int k = 1; k < smollm2.model.config.n_out; k++)
                                best = logits[k] > logits[best] ? k : best;
                        CHECK(best == wanted[step]);
                        tokens[n++] = best;
                }
        }
        json_decref(golden);
        unload(&smollm2);
}

RUN_TESTS
