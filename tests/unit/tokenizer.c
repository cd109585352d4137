/* The tokenizer, against ids that the tokenizers library made. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/tokenizer.h"
#include "unit.h"

static struct hap_error err;

static struct hap_tokenizer *load(const char *path)
{
        struct hap_tokenizer *t = NULL;

        CHECK(hap_tokenizer_load(&t, path, &err) == 0);
        if (t == NULL)
                printf("# %s\n", err.message);
        return t;
}

/* One line of JSON: {"text": …, "ids": […]}. */
static int same_ids(const struct hap_tokenizer *t, const json_t *line, bool special,
                    bool bos)
{
        const json_t *text = json_object_get(line, "text");
        const json_t *wanted = json_object_get(line, "ids");
        int32_t ids[4096];
        int n = hap_tokenizer_encode(t, json_string_value(text), json_string_length(text),
                                     special, bos, ids, 4096, &err);
        int same = n == (int)json_array_size(wanted);

        for (int i = 0; same && i < n; i++)
                same = ids[i] == json_integer_value(json_array_get(wanted, (size_t)i));
        if (!same)
                printf("# differs (%d ids): %s\n", n, json_string_value(text));
        return same;
}

static int check_lines(const struct hap_tokenizer *t, const char *path, bool special,
                       bool bos)
{
        FILE *file = fopen(path, "r");
        json_t *line;
        int n = 0;

        CHECK(file != NULL);
        while (file != NULL &&
               (line = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) !=
                       NULL) {
                CHECK(same_ids(t, line, special, bos));
                json_decref(line);
                n++;
        }
        if (file != NULL)
                fclose(file);
        return n;
}

TEST("the demo model's tokenizer.json gives the reference's ids")
{
        struct hap_tokenizer *t = load("models/demo");

        CHECK(hap_tokenizer_size(t) == 1004);
        CHECK(hap_tokenizer_bos(t) == -1);
        CHECK(check_lines(t, "models/demo/golden.jsonl", true, true) == 20);
        hap_tokenizer_free(t);
}

TEST("GPT-2's vocab.json and merges.txt give the reference's ids")
{
        const char *folder = getenv("HAP_GPT2_TOKENIZER");
        char golden[4096];

        snprintf(golden, sizeof golden, "%s/golden.jsonl", folder ? folder : "");
        if (folder == NULL || access(golden, R_OK) != 0)
                SKIP("HAP_GPT2_TOKENIZER names no folder with vocab.json, merges.txt "
                     "and golden.jsonl");
        struct hap_tokenizer *t = load(folder);
        CHECK(hap_tokenizer_size(t) == 50257);
        CHECK(check_lines(t, golden, false, true) >= 20);
        hap_tokenizer_free(t);
}

RUN_TESTS
