#include "unit.h"

#include <stdlib.h>

#include "common/program.h"

struct test_options {
        bool flag, hidden;
        const char *text;
        int64_t number;
        double real;
        struct hap_count_or_percent keep;
        int method;
        struct hap_texts also;
};

static const char *const methods[] = {"eap", "exact", NULL};

static const struct hap_option options[] = {
        {'f', "flag", NULL, HAP_FLAG, offsetof(struct test_options, flag), .help = "a flag"},
        {'t', "text", "TEXT", HAP_TEXT, offsetof(struct test_options, text), .help = "a text"},
        {'n', "number", "N", HAP_INT, offsetof(struct test_options, number), .help = "a number [5]",
         .min = 1, .max = 40000},
        {'r', "real", "X", HAP_REAL, offsetof(struct test_options, real), .help = "a real number",
         .min = 0, .max = 2},
        {'k', "keep", "N|P%", HAP_COUNT_OR_PERCENT, offsetof(struct test_options, keep), .help = "how much"},
        {0, "method", "NAME", HAP_CHOICE, offsetof(struct test_options, method), .help = "which [eap]",
         .choices = methods},
        {'a', "also", "TEXT", HAP_TEXTS, offsetof(struct test_options, also), .help = "texts"},
        {0, "hidden", NULL, HAP_FLAG, offsetof(struct test_options, hidden), .help = "leaves no trace",
         .unrecorded = true},
        {0},
};

static const struct hap_program_info generator = {
        .name = "hap-test", .summary = "Test.", .operands = "NAME", .options = options,
        .uses = HAP_USES_MODEL | HAP_USES_STREAM | HAP_USES_THREADS,
};
static const struct hap_program_info filter = {
        .name = "hap-test", .summary = "Test.", .operands = "[FILE ...]", .options = options,
        .uses = HAP_USES_INPUT | HAP_USES_STREAM | HAP_USES_PASS,
};

static struct hap_program program;
static struct test_options opt;
static int asked;

/* Parses a command line of at most 15 words, without the program's name. */
static int parse(const struct hap_program_info *info, const char *const *words)
{
        static char *argv[17];
        int argc = 1;

        argv[0] = (char *)"hap-test";
        while (*words)
                argv[argc++] = (char *)*words++;
        argv[argc] = NULL;
        free(opt.also.items);
        free(program.operands);
        json_decref(program.history);
        program = (struct hap_program){.info = info, .options = &opt, .threads = 2};
        opt = (struct test_options){.number = 5};
        return hap_options_parse(&program, argc, argv, &asked);
}
#define PARSE(info, ...) parse(info, (const char *const[]){__VA_ARGS__, NULL})

/* The arguments of the history, concatenated. */
static const char *recorded(void)
{
        static char text[512];
        const json_t *item;
        size_t i;

        text[0] = '\0';
        json_array_foreach(json_object_get(program.history, "arguments"), i, item) {
                strcat(text, i ? " " : "");
                strcat(text, json_string_value(item));
        }
        return text;
}

TEST("an option's value may follow it as a word, after '=', or directly after its letter")
{
        static const char *const forms[][3] = {{"--number", "7", NULL}, {"--number=7", NULL},
                                               {"-n", "7", NULL}, {"-n7", NULL}};

        for (size_t i = 0; i < 4; i++) {
                CHECK(parse(&filter, forms[i]) == 0);
                CHECK(opt.number == 7);
                CHECK(program.n_operands == 0);
        }
}

TEST("every type is stored in its field")
{
        CHECK(PARSE(&filter, "-f", "--text", "words", "--real=1.5", "--keep", "20%", "--method=exact",
                    "-a", "one", "--also=two") == 0);
        CHECK(opt.flag && !opt.hidden);
        CHECK_TEXT(opt.text, "words");
        CHECK_NEAR(opt.real, 1.5, 0);
        CHECK(opt.keep.percent);
        CHECK_NEAR(opt.keep.value, 20, 0);
        CHECK(opt.method == 1);
        CHECK(opt.also.n == 2);
        CHECK_TEXT(opt.also.items[0], "one");
        CHECK_TEXT(opt.also.items[1], "two");
        CHECK(opt.number == 5); /* an option that was not given keeps its default */
}

TEST("--max-memory is an option of the programs that declare it, and is not in the history")
{
        struct hap_program_info limited = filter;

        CHECK(PARSE(&filter, "--max-memory", "4G") == HAP_EUSAGE);
        limited.uses |= HAP_USES_MEMORY;
        CHECK(PARSE(&limited, "--max-memory", "4G") == 0);
        CHECK(program.max_memory == 4000000000);
        CHECK_TEXT(recorded(), "");
        CHECK(PARSE(&limited, "--max-memory=4X") == HAP_EUSAGE);
        CHECK(PARSE(&limited, "-f") == 0 && program.max_memory == 0);
}

TEST("flags may share a dash, the last with its value")
{
        CHECK(PARSE(&filter, "-qzfn8") == 0);
        CHECK(program.quiet && program.gzip && opt.flag && opt.number == 8);
}

TEST("operands may be anywhere, and words after '--' are never options")
{
        CHECK(PARSE(&filter, "a", "-f", "-", "--", "--flag", "-x") == 0);
        CHECK(program.n_operands == 4);
        CHECK_TEXT(program.operands[0], "a");
        CHECK_TEXT(program.operands[1], "-");
        CHECK_TEXT(program.operands[2], "--flag");
        CHECK_TEXT(program.operands[3], "-x");
}

TEST("a value may begin with a dash")
{
        CHECK(PARSE(&filter, "--text", "-f") == 0);
        CHECK_TEXT(opt.text, "-f");
        CHECK(!opt.flag);
}

TEST("misuse is refused with the words that were wrong")
{
        CHECK(PARSE(&filter, "--numbers=7") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "unknown option '--numbers'; did you mean '--number'? "
                                          "see hap-test -h");
        CHECK(PARSE(&filter, "--num", "7") == HAP_EUSAGE); /* no abbreviations */
        CHECK(PARSE(&filter, "-fx") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "unknown option '-x'; see hap-test -h");
        CHECK(PARSE(&filter, "--number") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "option '--number' needs N; see hap-test -h");
        CHECK(PARSE(&filter, "--flag=yes") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "option '--flag' takes no value");
        CHECK(PARSE(&filter, "--number", "0") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "option '--number': 0 is not between 1 and 40000");
        CHECK(PARSE(&filter, "--real", "nan") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "option '--real': 'nan' is not a number");
        CHECK(PARSE(&filter, "--method", "EAP") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "option '--method': 'EAP' is not one of eap, exact; "
                                          "did you mean 'eap'?");
        CHECK(PARSE(&filter, "--method", "growth") == HAP_EUSAGE);
        CHECK_TEXT(program.error.message, "option '--method': 'growth' is not one of eap, exact");
        CHECK(PARSE(&filter, "--keep", "120%") == HAP_EUSAGE);
        CHECK(PARSE(&filter, "-j0") == HAP_EUSAGE);
}

TEST("a program takes the shared options that it declares, and no others")
{
        CHECK(PARSE(&generator, "-m", "model", "-j3", "ioi") == 0);
        CHECK_TEXT(program.model, "model");
        CHECK(program.threads == 3);
        CHECK(PARSE(&generator, "-p") == HAP_EUSAGE);
        CHECK(PARSE(&filter, "-p") == 0 && program.pass);
        CHECK(PARSE(&filter, "-m", "model") == HAP_EUSAGE);
}

TEST("help and version are recognised among other options")
{
        CHECK(PARSE(&filter, "-f", "--help") == 0);
        CHECK(asked == 'h');
        CHECK(PARSE(&filter, "--version") == 0);
        CHECK(asked == 'V');
        CHECK(PARSE(&filter, "--flag") == 0);
        CHECK(asked == 0);
}

TEST("history contains the options that change the output, in one spelling and order")
{
        CHECK(PARSE(&filter, "b.cache", "-k020%", "-n0007", "-q", "-z", "-p", "--hidden", "-o", "x", "-f") == 0);
        CHECK_TEXT(recorded(), "--flag --number=7 --keep=20%");
        CHECK(PARSE(&filter, "--flag", "--number", "7", "--keep=20%", "a.cache") == 0);
        CHECK_TEXT(recorded(), "--flag --number=7 --keep=20%");
        CHECK(PARSE(&filter, "-r1.50", "--also", "b", "--method=exact", "--also", "a") == 0);
        CHECK_TEXT(recorded(), "--real=1.5 --method=exact --also=b --also=a");
        CHECK_TEXT(json_string_value(json_object_get(program.history, "name")), "hap-test");
}

/* As many flags as would have overflowed an array of fixed size. */
TEST("a program may have any number of options")
{
        static bool flags[300];
        static struct hap_option many[301];
        static char names[300][8];
        const struct hap_program_info info = {
                .name = "hap-test", .summary = "Test.", .operands = "NAME", .options = many};
        char *argv[] = {"hap-test", "--f0", "--f299", NULL};
        struct hap_program other = {.info = &info, .options = flags};

        for (size_t i = 0; i < 300; i++) {
                snprintf(names[i], sizeof(names[i]), "f%zu", i);
                many[i] = (struct hap_option){.name = names[i], .type = HAP_FLAG,
                                              .offset = i * sizeof(bool), .help = "a flag"};
        }
        CHECK(hap_options_parse(&other, 3, argv, &asked) == 0);
        CHECK(flags[0] && flags[299] && !flags[298]);
        CHECK(json_array_size(json_object_get(other.history, "arguments")) == 2);
        json_decref(other.history);
        free(other.operands);
}

TEST("operands that are not streams are in the history")
{
        CHECK(PARSE(&generator, "ioi", "-m", "model", "-j2") == 0);
        CHECK_TEXT(recorded(), "ioi");
}

TEST("help lists every option with type, range and choices")
{
        char text[4096] = "";
        FILE *out = fmemopen(text, sizeof(text), "w");

        hap_options_help(&filter, out);
        fclose(out);
        CHECK(strstr(text, "usage: hap-test [OPTION ...] [FILE ...]\nTest.\n") == text);
        CHECK(strstr(text, "  -n, --number N             a number [5]; a whole number from 1 to 40000\n"));
        CHECK(strstr(text, "  -r, --real X               a real number; a number from 0 to 2\n"));
        CHECK(strstr(text, "      --method NAME          which [eap]; one of eap, exact\n"));
        CHECK(strstr(text, "  -p, --pass ") && strstr(text, "  -z, --gzip ") && strstr(text, "      --version "));
        CHECK(!strstr(text, "--model"));
        CHECK(strstr(text, "  -j, --threads N            accepted for uniformity; single-threaded"));
}

TEST("a header copies the fields of the input's header and adds to its history")
{
        json_t *from = json_pack("{s:i, s:s, s:{s:i}, s:[s], s:[{s:s}]}", "hap", 1, "kind", "cache", "model",
                                 "layers", 2, "requires", "split-input", "history", "name", "hap-forward");
        json_t *header, *history;

        CHECK(PARSE(&filter, "-f") == 0);
        header = hap_program_header(&program, "scores", from);
        history = json_object_get(header, "history");
        CHECK(json_integer_value(json_object_get(header, "hap")) == 1);
        CHECK_TEXT(json_string_value(json_object_get(header, "kind")), "scores");
        CHECK(json_equal(json_object_get(header, "model"), json_object_get(from, "model")));
        CHECK(!json_object_get(header, "requires"));
        CHECK(json_array_size(history) == 2);
        CHECK(json_equal(json_array_get(history, 1), program.history));
        CHECK(json_array_size(json_object_get(from, "history")) == 1); /* it was not touched */
        json_decref(header);
        json_decref(from);
        header = hap_program_header(&program, "scores", NULL);
        CHECK(json_array_size(json_object_get(header, "history")) == 1);
        json_decref(header);
}

TEST("a history takes another's entries, once each, after its own")
{
        json_t *header = json_pack("{s:[{s:s},{s:s}]}", "history", "name", "task", "name", "attrib");
        json_t *other = json_pack("{s:[{s:s},{s:s},{s:s}]}", "history", "name", "task", "name",
                                  "forward", "name", "attrib");
        json_t *wanted = json_pack("[{s:s},{s:s},{s:s}]", "name", "task", "name", "attrib", "name",
                                   "forward");
        json_t *none = json_object();

        hap_header_join(header, other);
        CHECK(json_equal(json_object_get(header, "history"), wanted));
        hap_header_join(header, other);
        hap_header_join(header, none);
        CHECK(json_equal(json_object_get(header, "history"), wanted));
        CHECK(json_array_size(json_object_get(other, "history")) == 3);
        hap_header_join(none, other);
        CHECK(json_equal(json_object_get(none, "history"), json_object_get(other, "history")));
        json_decref(header);
        json_decref(other);
        json_decref(wanted);
        json_decref(none);
}

RUN_TESTS
