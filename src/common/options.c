#include "common/options.h"

#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "common/program.h"

/* The options that all programs share: a table over struct hap_program. A program has
 * an option if its `uses` has all bits of `needs` and none of `without`. */
struct shared_option {
        struct hap_option option;
        unsigned needs, without;
};

static const char *const weights_choices[] = {"auto", "stored", "f32", NULL};

static const struct shared_option shared_options[] = {
        {{'m', "model", "MODEL", HAP_TEXT, offsetof(struct hap_program, model),
          "use this model: a folder or a GGUF file", .unrecorded = true}, HAP_USES_MODEL, 0},
        {{'j', "threads", "N", HAP_INT, offsetof(struct hap_program, threads),
          "use N threads [OMP_NUM_THREADS, or all processors]",
          .min = 1, .max = HAP_MAX_THREADS, .unrecorded = true}, HAP_USES_THREADS, 0},
        {{'j', "threads", "N", HAP_INT, offsetof(struct hap_program, threads),
          "accepted for uniformity; single-threaded",
          .min = 1, .max = HAP_MAX_THREADS, .unrecorded = true}, 0, HAP_USES_THREADS},
        {{0, "max-memory", "SIZE", HAP_SIZE, offsetof(struct hap_program, max_memory),
          "refuse if more memory than SIZE is needed [no limit]", .unrecorded = true},
         HAP_USES_MEMORY, 0},
        {{0, "weights", "HOW", HAP_CHOICE, offsetof(struct hap_program, weights),
          "keep the weights as stored or as f32 [auto: stored if f32 does not fit]",
          .choices = weights_choices, .unrecorded = true}, HAP_USES_MODEL | HAP_USES_MEMORY, 0},
        {{0, "layers-over-ranks", NULL, HAP_FLAG, offsetof(struct hap_program, layers_over_ranks),
          "with mpirun: each rank holds a part of the model's layers", .unrecorded = true},
         HAP_USES_LAYERS, 0},
        {{'o', "output", "FILE", HAP_TEXT, offsetof(struct hap_program, output),
          "write to FILE [standard output]", .unrecorded = true}, 0, 0},
        {{'p', "pass", NULL, HAP_FLAG, offsetof(struct hap_program, pass),
          "copy the input sections to the output first", .unrecorded = true}, HAP_USES_PASS, 0},
        {{'z', "gzip", NULL, HAP_FLAG, offsetof(struct hap_program, gzip),
          "compress the output with gzip", .unrecorded = true}, HAP_USES_STREAM, 0},
        {{'q', "quiet", NULL, HAP_FLAG, offsetof(struct hap_program, quiet),
          "print errors only: no progress, no summary line", .unrecorded = true}, 0, 0},
        {{'h', "help", NULL, HAP_FLAG, 0, "print this help", .unrecorded = true}, 0, 0},
        {{0, "version", NULL, HAP_FLAG, 0, "print the version", .unrecorded = true}, 0, 0},
};
#define N_SHARED (sizeof(shared_options) / sizeof(shared_options[0]))

static bool takes_shared(const struct hap_program_info *info, const struct shared_option *shared)
{
        return (info->uses & shared->needs) == shared->needs && !(info->uses & shared->without);
}

/* An option of the command line. */
struct given {
        const struct hap_option *option;
        void *base; /* the struct of its field */
};

static bool is_end(const struct hap_option *option)
{
        return !option->letter && !option->name;
}

static bool option_matches(const struct hap_option *option, char letter, const char *name,
                           size_t length)
{
        if (letter)
                return option->letter == letter;
        return option->name && strlen(option->name) == length &&
               memcmp(option->name, name, length) == 0;
}

/* Finds an option by its letter, or by its name if the letter is 0. */
static struct given find_option(struct hap_program *program, char letter, const char *name,
                                size_t length)
{
        const struct hap_option *program_options = program->info->options;

        for (; program_options && !is_end(program_options); program_options++)
                if (option_matches(program_options, letter, name, length))
                        return (struct given){program_options, program->options};
        for (size_t i = 0; i < N_SHARED; i++) {
                const struct shared_option *s = &shared_options[i];

                if (takes_shared(program->info, s) &&
                    option_matches(&s->option, letter, name, length))
                        return (struct given){&s->option, program};
        }
        return (struct given){NULL, NULL};
}

static int set_int(const struct hap_option *o, const char *what, int64_t *field,
                   const char *text, struct hap_error *err)
{
        bool limited = o->min < o->max;
        int64_t value = 0;
        int rc = hap_parse_int(text, what, limited ? (int64_t)o->min : INT64_MIN,
                               limited ? (int64_t)o->max : INT64_MAX, &value, err);

        if (rc == 0)
                *field = value;
        return rc;
}

const char *hap_option_choice(const struct hap_option *o, int i)
{
        const char *help;

        return o->choice ? o->choice(i, &help) : o->choices[i];
}

static int set_choice(const struct hap_option *o, const char *what, int *field,
                      const char *text, struct hap_error *err)
{
        struct hap_nearest best = {NULL, 0};
        char known[512] = "";
        const char *name;

        for (int i = 0; (name = hap_option_choice(o, i)); i++) {
                if (strcmp(text, name) == 0) {
                        *field = i;
                        return 0;
                }
                hap_nearest_try(&best, text, strlen(text), name);
                strncat(known, i ? ", " : "", sizeof(known) - strlen(known) - 1);
                strncat(known, name, sizeof(known) - strlen(known) - 1);
        }
        hap_fail(err, HAP_EUSAGE, "%s: '%.64s' is not one of %s", what, text, known);
        return hap_fail_meant(err, &best);
}

static int add_text(struct hap_texts *texts, const char *text, struct hap_error *err)
{
        const char **items = realloc(texts->items, (texts->n + 1) * sizeof(*items));

        if (!items)
                return hap_fail_memory(err, "options");
        items[texts->n] = text;
        texts->items = items;
        texts->n++;
        return 0;
}

int hap_option_set(const struct hap_option *o, void *base, const char *what,
                   const char *text, struct hap_error *err)
{
        void *field = (char *)base + o->offset;
        const bool limited = o->min < o->max;

        switch (o->type) {
        case HAP_FLAG:
                *(bool *)field = true;
                return 0;
        case HAP_TEXT:
                *(const char **)field = text;
                return 0;
        case HAP_INT:
                return set_int(o, what, field, text, err);
        case HAP_REAL:
                return hap_parse_real(text, what, limited ? o->min : -1e300,
                                      limited ? o->max : 1e300, field, err);
        case HAP_PERCENT:
                if (!strchr(text, '%'))
                        return hap_fail(err, HAP_EUSAGE, "%s takes a percentage such as 94%%, "
                                                         "not '%.64s'", what, text);
                return hap_parse_count_or_percent(text, what, field, err);
        case HAP_COUNT_OR_PERCENT:
                return hap_parse_count_or_percent(text, what, field, err);
        case HAP_SIZE:
                return hap_parse_size(text, what, field, err);
        case HAP_CHOICE:
                return set_choice(o, what, field, text, err);
        case HAP_TEXTS:
        default:
                return add_text(field, text, err);
        }
}

/* Stores an option and its value, if it takes one. -h, --version and -j are special. */
static int take_option(struct hap_program *program, struct given g, const char *text, bool *given,
                       int *asked)
{
        const struct hap_option *program_options = program->info->options;
        char what[64];

        if (g.option->letter == 'h' && g.base == program) {
                *asked = 'h';
                return 0;
        }
        if (g.base == program && strcmp(g.option->name, "version") == 0) {
                *asked = *asked ? *asked : 'V';
                return 0;
        }
        if (g.base == program && g.option->letter == 'j') {
                int64_t threads = 0;
                int rc = set_int(g.option, "option '--threads'", &threads, text, &program->error);

                program->threads = rc == 0 ? (int)threads : program->threads;
                return rc;
        }
        if (g.base != program)
                given[g.option - program_options] = true;
        snprintf(what, sizeof(what), "option '--%s'", g.option->name);
        return hap_option_set(g.option, g.base, what, text, &program->error);
}

/* The long option that is nearest to the typed name, or NULL. */
static const char *nearest_option(const struct hap_program_info *info, const char *name,
                                  size_t length)
{
        const struct hap_option *o = info->options;
        struct hap_nearest best = {NULL, 0};

        for (; o && !is_end(o); o++)
                if (o->name)
                        hap_nearest_try(&best, name, length, o->name);
        for (size_t i = 0; i < N_SHARED; i++)
                if (takes_shared(info, &shared_options[i]))
                        hap_nearest_try(&best, name, length, shared_options[i].option.name);
        return best.name;
}

static int fail_unknown(struct hap_program *program, const char *dashes, const char *name,
                        int length)
{
        const struct hap_program_info *info = program->info;
        char text[128];
        const char *now = info->replaced && strlen(dashes) == 2
                                  ? info->replaced(name, (size_t)length, text) : NULL;

        if (now)
                return hap_fail(&program->error, HAP_EUSAGE,
                                "option '%s%.*s' is now %s; see %s -h", dashes, length, name, now,
                                info->name);
        if (strlen(dashes) == 2)
                now = nearest_option(info, name, (size_t)length);
        if (now)
                return hap_fail(&program->error, HAP_EUSAGE,
                                "unknown option '--%.*s'; did you mean '--%s'? see %s -h", length,
                                name, now, info->name);
        return hap_fail(&program->error, HAP_EUSAGE, "unknown option '%s%.*s'; see %s -h",
                        dashes, length, name, program->info->name);
}

static int fail_without_value(struct hap_program *program, const struct hap_option *o)
{
        return hap_fail(&program->error, HAP_EUSAGE, "option '--%s' needs %s; see %s -h",
                        o->name, o->argument, program->info->name);
}

/* Parses "--name", "--name=value" or "--name" "value"; returns the number of words. */
static int parse_long(struct hap_program *program, char **argv, bool *given, int *asked)
{
        const char *name = argv[0] + 2, *equals = strchr(name, '=');
        size_t length = equals ? (size_t)(equals - name) : strlen(name);
        struct given g = find_option(program, 0, name, length);
        int rc;

        if (!g.option)
                return fail_unknown(program, "--", name, (int)length);
        if (g.option->type == HAP_FLAG) {
                if (equals)
                        return hap_fail(&program->error, HAP_EUSAGE, "option '--%s' takes no value",
                                        g.option->name);
                rc = take_option(program, g, NULL, given, asked);
                return rc < 0 ? rc : 1;
        }
        if (!equals && !argv[1])
                return fail_without_value(program, g.option);
        rc = take_option(program, g, equals ? equals + 1 : argv[1], given, asked);
        return rc < 0 ? rc : equals ? 1 : 2;
}

/* Parses "-qz", "-n5" or "-n" "5"; returns the number of words. */
static int parse_short(struct hap_program *program, char **argv, bool *given, int *asked)
{
        for (const char *at = argv[0] + 1; *at; at++) {
                struct given g = find_option(program, *at, NULL, 0);
                int rc;

                if (!g.option)
                        return fail_unknown(program, "-", at, 1);
                if (g.option->type != HAP_FLAG) {
                        if (!at[1] && !argv[1])
                                return fail_without_value(program, g.option);
                        rc = take_option(program, g, at[1] ? at + 1 : argv[1], given, asked);
                        return rc < 0 ? rc : at[1] ? 1 : 2;
                }
                rc = take_option(program, g, NULL, given, asked);
                if (rc < 0)
                        return rc;
        }
        return 1;
}

/* --- history --- */

static json_t *record_real(const char *name, double value, const char *unit)
{
        char digits[HAP_DIGITS];

        hap_shortest_digits(value, false, digits);
        return json_sprintf("--%s=%s%s", name, digits, unit);
}

static json_t *option_record(const struct hap_option *o, const void *options)
{
        const void *field = (const char *)options + o->offset;
        const struct hap_count_or_percent *amount = field;

        switch (o->type) {
        case HAP_FLAG:
                return json_sprintf("--%s", o->name);
        case HAP_TEXT:
                return json_sprintf("--%s=%s", o->name, *(const char *const *)field);
        case HAP_INT:
                return json_sprintf("--%s=%lld", o->name, (long long)*(const int64_t *)field);
        case HAP_REAL:
                return record_real(o->name, *(const double *)field, "");
        case HAP_COUNT_OR_PERCENT:
        case HAP_PERCENT:
                return record_real(o->name, amount->value, amount->percent ? "%" : "");
        case HAP_SIZE:
                return json_sprintf("--%s=%zu", o->name, *(const size_t *)field);
        case HAP_CHOICE:
                return json_sprintf("--%s=%s", o->name, hap_option_choice(o, *(const int *)field));
        case HAP_TEXTS:
        default:
                return NULL;
        }
}

/* The options in the order of the table, then the operands unless they are inputs. */
static json_t *history_entry(const struct hap_program *program, const bool *given)
{
        const struct hap_option *o = program->info->options;
        json_t *arguments = json_array();

        for (size_t i = 0; o && !is_end(o); o++, i++) {
                const struct hap_texts *texts;

                if (!given[i] || o->unrecorded)
                        continue;
                if (o->type != HAP_TEXTS) {
                        json_array_append_new(arguments, option_record(o, program->options));
                        continue;
                }
                texts = (const void *)((const char *)program->options + o->offset);
                for (size_t t = 0; t < texts->n; t++)
                        json_array_append_new(arguments,
                                              json_sprintf("--%s=%s", o->name, texts->items[t]));
        }
        for (int i = 0; !(program->info->uses & HAP_USES_INPUT) && i < program->n_operands; i++)
                json_array_append_new(arguments, json_string(program->operands[i]));
        return json_pack("{s:s, s:s, s:o}", "name", program->info->name, "version", HAP_VERSION,
                         "arguments", arguments);
}

/* Parses all words; given[i] tells whether option i of the program was among them. */
static int parse_words(struct hap_program *program, int argc, char **argv, bool *given,
                       int *asked)
{
        int i = 1, rc = 0;

        while (i < argc) {
                if (argv[i][0] != '-' || !argv[i][1]) {
                        program->operands[program->n_operands++] = argv[i++];
                        continue;
                }
                if (strcmp(argv[i], "--") == 0) {
                        for (i++; i < argc; i++)
                                program->operands[program->n_operands++] = argv[i];
                        break;
                }
                rc = argv[i][1] == '-' ? parse_long(program, argv + i, given, asked)
                                       : parse_short(program, argv + i, given, asked);
                if (rc < 0)
                        return rc;
                i += rc;
        }
        return 0;
}

int hap_options_parse(struct hap_program *program, int argc, char **argv, int *asked)
{
        const struct hap_option *program_options = program->info->options;
        size_t n_program_options = 0;
        bool *given;
        int rc;

        *asked = 0;
        while (program_options && !is_end(program_options + n_program_options))
                n_program_options++;
        program->operands = calloc((size_t)argc + 1, sizeof(char *));
        given = calloc(n_program_options + 1, sizeof(*given));
        rc = program->operands && given ? parse_words(program, argc, argv, given, asked)
                                        : hap_fail_memory(&program->error, "the command line");
        if (rc == 0)
                program->history = history_entry(program, given);
        free(given);
        if (rc < 0)
                return rc;
        return program->history ? 0
                : hap_fail(&program->error, HAP_EUSAGE, "an argument is not UTF-8 text");
}

/* --- help --- */

void hap_option_print_type(const struct hap_option *o, FILE *out)
{
        bool limited = o->min < o->max;

        if (o->type == HAP_INT && limited)
                fprintf(out, "; a whole number from %.0f to %.0f", o->min, o->max);
        else if (o->type == HAP_INT)
                fprintf(out, "; a whole number");
        else if (o->type == HAP_REAL && limited)
                fprintf(out, "; a number from %g to %g", o->min, o->max);
        else if (o->type == HAP_REAL)
                fprintf(out, "; a number");
        else if (o->type == HAP_PERCENT)
                fprintf(out, "; a percentage from 0%% to 100%%");
        else if (o->type == HAP_COUNT_OR_PERCENT)
                fprintf(out, "; a whole number, or a percentage from 0%% to 100%%");
        else if (o->type == HAP_SIZE)
                fprintf(out, "; bytes, with K, M, G, T or Ki, Mi, Gi, Ti");
        else if (o->type == HAP_TEXTS)
                fprintf(out, "; may be given several times");
        for (int i = 0; o->choices && o->choices[i]; i++)
                fprintf(out, "%s%s", i ? ", " : "; one of ", o->choices[i]);
}

static void help_option(const struct hap_option *o, FILE *out)
{
        const char *name, *help;
        char words[80];

        snprintf(words, sizeof(words), "  %c%c%s--%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
                 o->argument ? " " : "", o->argument ? o->argument : "");
        fprintf(out, "%-28s %s", words, o->help);
        hap_option_print_type(o, out);
        fputc('\n', out);
        for (int i = 0; o->choice && (name = o->choice(i, &help)) != NULL; i++)
                fprintf(out, "%30s%-19s %s\n", "", name, help);
}

void hap_options_help(const struct hap_program_info *info, FILE *out)
{
        const struct hap_option *program_options = info->options;

        fprintf(out, "usage: %s [OPTION ...]%s%s\n%s\n\n", info->name,
                info->operands ? " " : "", info->operands ? info->operands : "", info->summary);
        for (; program_options && !is_end(program_options); program_options++)
                help_option(program_options, out);
        for (size_t i = 0; i < N_SHARED; i++)
                if (takes_shared(info, &shared_options[i]))
                        help_option(&shared_options[i].option, out);
        if (info->notes)
                fprintf(out, "\n%s\n", info->notes);
}
