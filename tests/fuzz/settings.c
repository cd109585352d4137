/* What hap-prune, hap-show and hap-eval read besides streams and models, and command lines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/program.h"
#include "eval/classes.h"
#include "prune/arguments.h"
#include "prune/checkpoint.h"
#include "prune/options.h"
#include "prune/recipes.h"
#include "show/show_figures.h"
#include "show/show_text.h"
#include "target.h"

/* --- checkpoints --- */

enum { HEAD = 32, FLOATS = 6, DOUBLES = 3, BYTES = 8 };

struct state {
        int64_t step, indices[4];
        float floats[FLOATS];
        double doubles[DOUBLES], any;
        uint8_t bytes[BYTES];
};

/* The identity is the file's own: another one is refused at once. */
bool fuzz_checkpoint(const uint8_t *data, size_t n)
{
        struct state state = {.step = 7}, before = state;
        struct hap_checkpoint checkpoint = {0};
        struct hap_error err;

        if (n >= HEAD)
                memcpy(&checkpoint.identity, data + 16, 8);
        hap_checkpoint_add_integer(&checkpoint, "step", &state.step, 0, 20);
        hap_checkpoint_add(&checkpoint, (struct hap_checkpoint_field){
                .name = "indices", .type = HAP_CHECKPOINT_INTEGERS, .data = state.indices, .n = 4,
                .min = 0, .max = 12});
        hap_checkpoint_add_floats(&checkpoint, "floats", state.floats, FLOATS);
        hap_checkpoint_add_doubles(&checkpoint, "doubles", state.doubles, DOUBLES);
        hap_checkpoint_add_any_double(&checkpoint, "any", &state.any);
        hap_checkpoint_add(&checkpoint, (struct hap_checkpoint_field){
                .name = "bytes", .type = HAP_CHECKPOINT_BYTES, .data = state.bytes, .n = BYTES});
        if (!fuzz_done(hap_checkpoint_read(&checkpoint, fuzz_file("checkpoint", "state", data, n),
                                           &err), &err)) {
                MUST(memcmp(&state, &before, sizeof state) == 0);
                return false;
        }
        MUST(state.step >= 0 && state.step <= 20);
        for (int i = 0; i < 4; i++)
                MUST(state.indices[i] >= 0 && state.indices[i] <= 12);
        for (int i = 0; i < FLOATS; i++)
                MUST(isfinite(state.floats[i]));
        for (int i = 0; i < DOUBLES; i++)
                MUST(isfinite(state.doubles[i]));
        return true;
}

void fuzz_seal_checkpoint(uint8_t *data, size_t n)
{
        uint64_t hash;

        if (n < sizeof hash)
                return;
        hash = XXH3_64bits(data, n - sizeof hash);
        memcpy(data + n - sizeof hash, &hash, sizeof hash);
}

/* --- training logs --- */

bool fuzz_log(const uint8_t *data, size_t n)
{
        FILE *lines = fmemopen((void *)(uintptr_t)data, n, "r");
        struct hap_show show = {0};
        struct hap_error err;
        bool accepted;

        if (!lines) /* no bytes */
                return false;
        accepted = fuzz_done(hap_show_read_log(&show, lines, "log", &err), &err);
        fclose(lines);
        if (accepted) {
                fuzz_done(hap_show_text(&show, 0, NULL, fuzz_sink(), &err), &err);
                if (hap_show_has_figures(&show))
                        fuzz_done(hap_show_figures(&show, true, fuzz_sink(), &err), &err);
        }
        hap_show_release(&show);
        return accepted;
}

/* --- classes of heads --- */

static bool count_classes(const struct hap_classes *classes)
{
        struct hap_graph graph;
        struct hap_error err;
        struct hap_stream_out *out;
        json_t *header = json_pack("{s:i, s:s}", "hap", HAP_STREAM_VERSION, "kind", "report");
        float *z;
        size_t n;
        int rc;

        MUST(hap_graph_init(&graph, 2, 2, false, false, &err) == 0);
        z = calloc(graph.n_edges, sizeof *z);
        MUST(z && header);
        for (size_t e = 0; e < graph.n_edges; e += 2)
                z[e] = 1;
        out = fuzz_output();
        MUST(hap_stream_out_begin(out, header, &err) == 0);
        rc = hap_classes_write(classes, &graph, z, "circuit 1", out, &err);
        if (rc >= 0)
                MUST(hap_stream_out_end(out, &err) == 0);
        free(fuzz_output_end(out, rc, &n));
        free(z);
        json_decref(header);
        hap_graph_release(&graph);
        return fuzz_done(rc, &err);
}

bool fuzz_classes(const uint8_t *data, size_t n)
{
        struct hap_classes classes;
        struct hap_error err;
        bool accepted;

        if (!fuzz_done(hap_classes_read(&classes, fuzz_file("classes", "classes.json", data, n),
                                        &err), &err))
                return false;
        accepted = count_classes(&classes);
        hap_classes_release(&classes);
        return accepted;
}

/* --- command lines --- */

/* One option of each type. */
struct every {
        bool flag;
        const char *text;
        int64_t number;
        double real;
        struct hap_count_or_percent some, percent;
        size_t size;
        int choice, recipe;
        struct hap_texts texts;
};

static const char *const choices[] = {"eap", "exact", NULL};

static const struct hap_option every_option[] = {
        {'f', "flag", NULL, HAP_FLAG, offsetof(struct every, flag), .help = "a flag"},
        {'t', "text", "TEXT", HAP_TEXT, offsetof(struct every, text), .help = "a text"},
        {'n', "number", "N", HAP_INT, offsetof(struct every, number), .help = "a number",
         .min = 1, .max = 40000},
        {'r', "real", "X", HAP_REAL, offsetof(struct every, real), .help = "a real number",
         .min = 0, .max = 2},
        {'k', "keep", "N|P%", HAP_COUNT_OR_PERCENT, offsetof(struct every, some), .help = "some"},
        {0, "percent", "P%", HAP_PERCENT, offsetof(struct every, percent), .help = "a share"},
        {0, "size", "SIZE", HAP_SIZE, offsetof(struct every, size), .help = "bytes"},
        {0, "choice", "NAME", HAP_CHOICE, offsetof(struct every, choice), .help = "one of two",
         .choices = choices},
        {0, "recipe", "NAME", HAP_CHOICE, offsetof(struct every, recipe), .help = "one of a table",
         .choice = hap_recipe_choice},
        {'a', "also", "TEXT", HAP_TEXTS, offsetof(struct every, texts), .help = "texts"},
        {0},
};

enum { MAX_WORDS = 15 };
#define USES_ALL (HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM | \
                  HAP_USES_THREADS | HAP_USES_MEMORY)

static bool parse(const struct hap_program_info *info, char **words, int n, void *options)
{
        struct hap_program program = {.info = info, .options = options, .threads = 1};
        int asked, rc = hap_options_parse(&program, n, words, &asked);

        MUST(rc < 0 || program.n_operands < n);
        free(program.operands);
        json_decref(program.history);
        return fuzz_done(rc, &program.error);
}

static bool parse_every(char **words, int n)
{
        static const struct hap_program_info info = {
                .name = "hap-test", .summary = "Test.", .operands = "[FILE ...]",
                .options = every_option, .uses = USES_ALL};
        struct every every = {0};
        const bool accepted = parse(&info, words, n, &every);

        MUST(every.number >= 0 && every.number <= 40000 && every.real >= 0 && every.real <= 2);
        MUST(every.choice == 0 || every.choice == 1);
        free(every.texts.items);
        return accepted;
}

static bool parse_prune(char **words, int n)
{
        static const struct hap_program_info info = {
                .name = "hap-prune", .summary = "Test.", .operands = "[FILE ...]",
                .options = hap_prune_arguments, .uses = USES_ALL, .replaced = hap_prune_replaced};
        struct hap_prune_options options;
        struct hap_error err;
        bool accepted;

        hap_prune_options_init(&options);
        accepted = parse(&info, words, n, &options) &&
                   fuzz_done(hap_prune_options_settle(&options, &hap_recipes[options.recipe_row],
                                                      &err), &err) &&
                   fuzz_done(hap_prune_options_fit(&options, 32491, &err), &err);
        if (accepted) {
                json_t *described = hap_prune_options_describe(&options, true);

                MUST(json_is_object(described));
                json_decref(described);
        }
        free(options.set.items);
        free(options.avoid.items);
        return accepted;
}

/* The words are lines. */
bool fuzz_options(const uint8_t *data, size_t n)
{
        char *text = malloc(n + 1), *words[MAX_WORDS + 2] = {(char[]){"hap-test"}};
        int n_words = 1;
        bool every, prune;

        MUST(text != NULL);
        memcpy(text, data, n);
        text[n] = '\0';
        for (char *word = text, *end; n_words <= MAX_WORDS; word = end + 1) {
                words[n_words++] = word;
                end = strchr(word, '\n');
                if (!end)
                        break;
                *end = '\0';
        }
        every = parse_every(words, n_words);
        prune = parse_prune(words, n_words);
        free(text);
        return every || prune;
}
