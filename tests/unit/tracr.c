/* Compiled Tracr programs compute what they were compiled from, on all inputs
 * that the fixtures list. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "run_model.h"

#define MOST_TOKENS 6
#define TOLERANCE 1e-5 /* of the fixtures' README */

/* Every line of io.jsonl with the logits at all positions of its input. */
static int with_lines(const char *folder,
                      void (*each)(const json_t *line, int n, const float *logits, int n_out))
{
        struct loaded tracr;
        char path[256], *text = NULL;
        size_t room = 0;
        int lines = 0;
        FILE *file;

        CHECK(load(&tracr, folder) == 0);
        snprintf(path, sizeof(path), "%s/io.jsonl", folder);
        file = fopen(path, "r");
        CHECK(file != NULL);
        while (file && getline(&text, &room, file) > 0) {
                json_t *line = json_loads(text, 0, NULL);
                const json_t *ids = json_object_get(line, "ids");
                int32_t tokens[MOST_TOKENS];
                int n = (int)json_array_size(ids);

                CHECK(n >= 2 && n <= MOST_TOKENS);
                for (int i = 0; i < n; i++)
                        tokens[i] = (int32_t)json_integer_value(json_array_get(ids, (size_t)i));
                each(line, n, run(&tracr, tokens, n, 0), tracr.model.config.n_out);
                json_decref(line);
                lines++;
        }
        free(text);
        if (file)
                fclose(file);
        unload(&tracr);
        return lines;
}

/* If a line has the complete output, it is the same. */
static void check_unembedded(const json_t *line, const float *logits, int n_out)
{
        const json_t *rows = json_object_get(line, "unembedded");

        for (size_t t = 0; t < json_array_size(rows); t++)
                for (size_t k = 0; k < (size_t)n_out; k++)
                        CHECK_NEAR(logits[t * (size_t)n_out + k],
                                   json_number_value(json_array_get(json_array_get(rows, t), k)),
                                   TOLERANCE);
}

static void check_reverse(const json_t *line, int n, const float *logits, int n_out)
{
        const json_t *wanted = json_object_get(line, "output_ids");

        CHECK(n_out == 3 && json_array_size(wanted) == (size_t)n - 1);
        for (int t = 1; t < n; t++) {
                const float *row = logits + 3 * t;
                int best = row[1] > row[0];

                best = row[2] > row[best] ? 2 : best;
                CHECK(best == json_integer_value(json_array_get(wanted, (size_t)t - 1)));
        }
        check_unembedded(line, logits, n_out);
}

static void check_proportion(const json_t *line, int n, const float *logits, int n_out)
{
        const json_t *wanted = json_object_get(line, "output");

        CHECK(n_out == 1 && json_array_size(wanted) == (size_t)n - 1);
        for (int t = 1; t < n; t++)
                CHECK_NEAR(logits[t], json_number_value(json_array_get(wanted, (size_t)t - 1)),
                           TOLERANCE);
        check_unembedded(line, logits, n_out);
}

TEST("the compiled program that reverses a sequence reverses every sequence")
{
        CHECK(with_lines("tests/golden/tracr-reverse", check_reverse) == 363);
}

TEST("the compiled program that computes the share of x computes it")
{
        CHECK(with_lines("tests/golden/tracr-xproportion", check_proportion) == 100);
}

RUN_TESTS
