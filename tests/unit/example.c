/* Task records as examples: which are accepted, and which are refused with which message. */
#include <stdlib.h>
#include <unistd.h>

#include "data/examples.h"
#include "task/example.h"
#include "tokenizer/description.h"
#include "unit.h"

static struct hap_error err;
static struct hap_arena arena;
static struct hap_example example;

/* A model of 100 ids, 90 logits and 8 positions. */
static struct hap_model model = {.config = {.n_vocab = 100, .n_out = 90, .n_context = 8}};

static int read_json(const char *text, const struct hap_model *m)
{
        json_error_t why;
        json_t *record = json_loads(text, 0, &why);
        int rc;

        CHECK(record != NULL);
        hap_arena_release(&arena);
        hap_arena_init(&arena);
        rc = hap_example_of(record, m, NULL, "record 7 of 'x'", &arena, &example, &err);
        json_decref(record);
        return rc;
}

static bool same(const int32_t *ids, int n, const int32_t *wanted, int n_wanted)
{
        return n == n_wanted && memcmp(ids, wanted, (size_t)n * sizeof *ids) == 0;
}

#define IDS(...) (const int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

TEST("prompts, answers and wrongs are the record's ids, the last token is the answer's place")
{
        CHECK(read_json("{\"id\": \"a\", \"clean\": [1, 2, 99], \"corrupted\": [4, 2, 0],"
                        " \"answers\": [5, 89], \"wrongs\": [6]}", &model) == 0);
        CHECK_TEXT(example.id, "a");
        CHECK(same(example.clean, example.n_tokens, IDS(1, 2, 99)));
        CHECK(same(example.corrupted, example.n_tokens, IDS(4, 2, 0)));
        CHECK(same(example.answers, example.n_answers, IDS(5, 89)));
        CHECK(same(example.wrongs, example.n_wrongs, IDS(6)));
        CHECK(example.answer_first == 2 && example.n_answer_positions == 1);
}

TEST("one answer is a list of one, and wrongs may be missing")
{
        CHECK(read_json("{\"clean\": [1], \"corrupted\": [2], \"answer\": 3}", &model) == 0);
        CHECK(same(example.answers, example.n_answers, IDS(3)));
        CHECK(example.n_wrongs == 0);
        CHECK_TEXT(example.id, "");
        CHECK(read_json("{\"id\": 12, \"clean\": [1], \"corrupted\": [2], \"answers\": 3,"
                        " \"wrong\": 4}", &model) == 0);
        CHECK(same(example.wrongs, example.n_wrongs, IDS(4)));
        CHECK_TEXT(example.id, "12");
}

TEST("a range of answer positions needs no answers")
{
        CHECK(read_json("{\"clean\": [1, 2, 3, 4], \"corrupted\": [2, 2, 3, 4],"
                        " \"at\": [1, 2, 3]}", &model) == 0);
        CHECK(example.answer_first == 1 && example.n_answer_positions == 3);
        CHECK(example.n_answers == 0);
}

TEST("without a model any id and any length are accepted")
{
        CHECK(read_json("{\"clean\": [1, 2, 3, 4, 5, 6, 7, 8, 2147483647],"
                        " \"corrupted\": [1, 2, 3, 4, 5, 6, 7, 8, 9], \"answer\": 1000000}",
                        NULL) == 0);
        CHECK(example.n_tokens == 9 && example.clean[8] == 2147483647);
}

static const struct {
        const char *record, *why;
} refused[] = {
        {"[1]", "it is not an object"},
        {"{\"id\": [], \"clean\": [1], \"corrupted\": [2], \"answer\": 3}",
         "id is neither text nor a whole number"},
        {"{\"corrupted\": [2], \"answer\": 3}", "there is no 'clean'"},
        {"{\"clean\": 1, \"corrupted\": [2], \"answer\": 3}",
         "clean is neither text nor a list of token ids"},
        {"{\"clean\": [], \"corrupted\": [], \"answer\": 3}", "clean has no tokens"},
        {"{\"clean\": [1], \"corrupted\": [2, 3], \"answer\": 3}",
         "clean has 1 tokens but corrupted has 2; they must be equally long: replace words by words of as many tokens"},
        {"{\"clean\": [1], \"corrupted\": [100], \"answer\": 3}",
         "corrupted has token id 100, the ids end at 99"},
        {"{\"clean\": [-1], \"corrupted\": [1], \"answer\": 3}",
         "clean has token id -1, the ids end at 99"},
        {"{\"clean\": [1], \"corrupted\": [4294967297], \"answer\": 3}",
         "corrupted has token id 4294967297, the ids end at 99"},
        {"{\"clean\": [true], \"corrupted\": [1], \"answer\": 3}",
         "clean contains a value that is not a token id"},
        {"{\"clean\": [1, 1, 1, 1, 1, 1, 1, 1, 1], \"corrupted\": [1], \"answer\": 3}",
         "clean has 9 tokens, the model has 8 positions"},
        {"{\"clean\": [1], \"corrupted\": [2]}", "it has none of 'answers', 'answer' and 'at'"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answers\": []}", "answers is empty"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 3, \"wrongs\": []}",
         "wrongs is empty"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 90}",
         "answer has token id 90, the ids end at 89"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 3, \"answers\": [3]}",
         "there are both 'answer' and 'answers'"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answers\": [3, 4, 3]}",
         "token 3 occurs twice in answers and wrongs"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 3, \"wrong\": 3}",
         "token 3 occurs twice in answers and wrongs"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 3, \"at\": []}",
         "at is not a list of positions"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 3, \"at\": [1]}",
         "at contains a position outside 0 to 0"},
        {"{\"clean\": [1, 2, 3], \"corrupted\": [2, 2, 3], \"answer\": 3, \"at\": [0, 2]}",
         "at is not one ascending range of positions"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 3, \"positions\": {\"IO\": 1}}",
         "position 'IO' is outside 0 to 0"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": 3, \"positions\": [0]}",
         "positions is not an object of names and positions"},
        {"{\"clean\": \"a\", \"corrupted\": [2], \"answer\": 3}",
         "clean is text and there is no tokenizer; token ids are needed"},
        {"{\"clean\": [1], \"corrupted\": [2], \"answer\": \" a\"}",
         "answer is text and there is no tokenizer; token ids are needed"},
};

static int check_json(const char *text)
{
        json_t *record = json_loads(text, 0, NULL);
        int rc = hap_example_check(record, "record 7 of 'x'", &err);

        json_decref(record);
        return rc;
}

TEST("without a tokenizer a record is checked by the same rules, and texts may be anywhere")
{
        CHECK(check_json("{\"clean\": \"a\", \"corrupted\": [2], \"answers\": [8, \" a\", \" b\"],"
                         " \"wrongs\": [\" c\", 9]}") == 0);
        CHECK(check_json("{\"clean\": \"a\", \"corrupted\": \"b\", \"at\": [3, 4],"
                         " \"positions\": {\"IO\": 9}}") == 0);
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
                char wanted[256];

                if (strstr(refused[i].why, "no tokenizer") || strstr(refused[i].why, "the ids end") ||
                    strstr(refused[i].why, "the model has"))
                        continue;
                snprintf(wanted, sizeof wanted, "cannot use record 7 of 'x': %s",
                         refused[i].why);
                CHECK(check_json(refused[i].record) == HAP_EINPUT);
                CHECK_TEXT(err.message, wanted);
        }
        CHECK(check_json("{\"clean\": \"a\", \"corrupted\": \"b\", \"answer\": \" c\","
                         " \"at\": [1, 0]}") == HAP_EINPUT);
        CHECK(check_json("{\"clean\": \"a\", \"corrupted\": \"b\", \"answer\": -1}") == HAP_EINPUT);
}

TEST("a record that is not an example is refused by number and reason")
{
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
                char wanted[256];

                snprintf(wanted, sizeof wanted, "cannot use record 7 of 'x': %s",
                         refused[i].why);
                err.message[0] = '\0';
                CHECK(read_json(refused[i].record, &model) == HAP_EINPUT);
                CHECK_TEXT(err.message, wanted);
        }
}

/* --- sections --- */

static char path[64];

/* A task stream of records in JSON; NULL ends the list. */
static void write_task(const char *kind, const json_t *tokenizer, const char *const *records)
{
        struct hap_stream_out *out;
        json_t *header = json_pack("{s:i, s:s}", "hap", 1, "kind", kind);

        if (tokenizer)
                json_object_set_new(header, "tokenizer", json_deep_copy(tokenizer));
        snprintf(path, sizeof path, P_tmpdir "/hap-example-%ld.task", (long)getpid());
        CHECK(hap_stream_out_open(&out, path, false, &err) == 0);
        CHECK(hap_stream_out_begin(out, header, &err) == 0);
        for (; *records; records++) {
                json_t *record = json_loads(*records, 0, NULL);

                hap_pack_json(hap_stream_out_record(out), record);
                CHECK(hap_stream_out_end_record(out, &err) == 0);
                json_decref(record);
        }
        CHECK(hap_stream_out_end(out, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        json_decref(header);
}

static int read_task(struct hap_examples *examples)
{
        struct hap_stream_in *in;
        json_t *header;
        const char *paths[] = {path};
        int rc;

        CHECK(hap_stream_in_open(&in, paths, 1, &err) == 0);
        CHECK(hap_stream_in_section(in, &header, &err) == 1);
        rc = hap_examples_read(in, header, &model, examples, &err);
        hap_stream_in_close(in);
        unlink(path);
        return rc;
}

static void check_message(const char *wanted)
{
        if (!strstr(err.message, wanted))
                CHECK_TEXT(err.message, wanted);
}

TEST("a section's records are read, those without an id named by their number")
{
        static const char *const records[] = {
                "{\"id\": \"one\", \"clean\": [1, 2], \"corrupted\": [3, 2], \"answer\": 4}",
                "{\"clean\": [5], \"corrupted\": [6], \"answers\": [7], \"text\": {\"clean\": \"x\"}}",
                NULL,
        };
        struct hap_examples examples;

        write_task("task", NULL, records);
        CHECK(read_task(&examples) == 0);
        CHECK(examples.n == 2);
        CHECK_TEXT(hap_examples_at(&examples, 0)->id, "one");
        CHECK_TEXT(hap_examples_at(&examples, 1)->id, "2");
        CHECK(same(hap_examples_at(&examples, 1)->corrupted, 1, IDS(6)));
        hap_examples_release(&examples);
}

TEST("a bad record is refused by its number and file")
{
        static const char *const records[] = {
                "{\"clean\": [1, 2], \"corrupted\": [3, 2], \"answer\": 4}",
                "{\"clean\": [5], \"corrupted\": [6, 7], \"answers\": [7]}",
                NULL,
        };
        struct hap_examples examples;

        write_task("task", NULL, records);
        CHECK(read_task(&examples) == HAP_EINPUT);
        check_message("cannot use record 2 of '" P_tmpdir "/hap-example-");
        check_message("clean has 1 tokens but corrupted has 2");
}

TEST("a section of no records, and one of another kind, are refused")
{
        static const char *const none[] = {NULL};
        struct hap_examples examples;

        write_task("task", NULL, none);
        CHECK(read_task(&examples) == HAP_EINPUT);
        check_message("it contains no examples");
        write_task("scores", NULL, none);
        CHECK(read_task(&examples) == HAP_EINPUT);
        check_message("its kind is 'scores', but 'task' is needed");
}

TEST("texts are encoded by the model's own tokenizer, and other tokenizers' ids refused")
{
        static const char *const text[] = {
                "{\"clean\": \"So Emma and Henry\", \"corrupted\": \"So Emma and Helen\","
                " \"answer\": \" Emma\"}", NULL,
        };
        static const char *const ids[] = {
                "{\"clean\": [401, 778], \"corrupted\": [401, 647], \"answer\": 778}", NULL,
        };
        struct hap_examples examples;
        struct hap_tokenizer *tokenizer;
        json_t *ours, *other;

        model.config = (struct hap_config){.n_vocab = 1004, .n_out = 1004, .n_context = 64};
        snprintf(model.path, sizeof model.path, "models/demo");
        write_task("task", NULL, text);
        CHECK(read_task(&examples) == 0);
        /* the ids that the tokenizers library gives, see models/demo/golden.jsonl */
        CHECK(same(hap_examples_at(&examples, 0)->clean, hap_examples_at(&examples, 0)->n_tokens, IDS(401, 778, 289, 647)));
        hap_examples_release(&examples);

        CHECK(hap_tokenizer_load(&tokenizer, "models/demo", &err) == 0);
        ours = hap_tokenizer_describe(tokenizer);
        hap_tokenizer_free(tokenizer);
        write_task("task", ours, ids);
        CHECK(read_task(&examples) == 0);
        hap_examples_release(&examples);
        other = json_pack("{s:i, s:s}", "tokens", 1004, "fingerprint", "0123456789abcdef");
        write_task("task", other, ids);
        CHECK(read_task(&examples) == HAP_EINPUT);
        check_message("its token ids belong to tokenizer 0123456789abcdef, the model's is ");
        json_decref(ours);
        json_decref(other);
}

RUN_TESTS
