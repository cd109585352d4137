#include "data/task_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "data/batches.h"
#include "forward/distribution.h"

enum { NAME_COLUMN = 12, WIDTH = 100, N_TOP = 5 };

/* A line that is wrapped. */
struct line {
        FILE *out;
        int column;
};

static struct line begin_line(FILE *out, const char *name)
{
        return (struct line){out, fprintf(out, "  %-*s", NAME_COLUMN - 2, name)};
}

static void add_item(struct line *line, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static void add_item(struct line *line, const char *format, ...)
{
        char text[512];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(text, sizeof text, format, args);
        va_end(args);
        if (line->column > NAME_COLUMN && line->column + n + 2 > WIDTH) {
                fprintf(line->out, "\n%*s", NAME_COLUMN, "");
                line->column = NAME_COLUMN;
        }
        line->column += fprintf(line->out, "%s%s", line->column > NAME_COLUMN ? "  " : "", text);
}

static void end_line(struct line *line)
{
        fputc('\n', line->out);
}

/* " Mary" in quotes, or the id where there is no text. */
static const char *token_text(const struct hap_tokenizer *tokenizer, json_int_t id, char *text,
                              size_t size)
{
        const char *bytes = tokenizer ? hap_tokenizer_text(tokenizer, (int32_t)id, NULL) : NULL;
        char shown[192];

        if (bytes) {
                hap_printable(bytes, shown, sizeof shown);
                snprintf(text, size, "'%s'", shown);
        } else {
                snprintf(text, size, "%lld", (long long)id);
        }
        return text;
}

static void print_prompt(FILE *out, const char *name, const json_t *prompt,
                         const struct hap_tokenizer *tokenizer)
{
        struct line line = begin_line(out, name);
        const json_t *token;
        char text[256];
        size_t i;

        if (json_is_string(prompt)) {
                hap_printable(json_string_value(prompt), text, sizeof text);
                add_item(&line, "'%s'", text);
        }
        json_array_foreach((json_t *)prompt, i, token)
                add_item(&line, "%zu %s", i,
                         token_text(tokenizer, json_integer_value(token), text, sizeof text));
        end_line(&line);
}

static void print_difference(FILE *out, const json_t *record)
{
        const json_t *clean = json_object_get(record, "clean");
        const json_t *corrupted = json_object_get(record, "corrupted"), *token;
        struct line line = begin_line(out, "differ at");
        size_t i, n = 0;

        json_array_foreach((json_t *)clean, i, token)
                if (!json_equal(token, json_array_get(corrupted, i))) {
                        add_item(&line, "%zu", i);
                        n++;
                }
        if (n == 0)
                add_item(&line, "%s", json_equal(clean, corrupted) ? "nowhere" : "unknown");
        end_line(&line);
}

static void print_positions(FILE *out, const json_t *record,
                            const struct hap_tokenizer *tokenizer)
{
        json_t *positions = json_object_get(record, "positions"), *at;
        const json_t *clean = json_object_get(record, "clean");
        struct line line;
        const char *name;
        char text[256];

        if (json_object_size(positions) == 0)
                return;
        line = begin_line(out, "positions");
        json_object_foreach(positions, name, at) {
                const json_t *token = json_array_get(clean, (size_t)json_integer_value(at));

                if (token)
                        add_item(&line, "%s %lld %s", name, (long long)json_integer_value(at),
                                 token_text(tokenizer, json_integer_value(token), text,
                                            sizeof text));
                else
                        add_item(&line, "%s", name);
        }
        end_line(&line);
}

/* "796 ' Mary' + 289 ' and'": the tokens of an answer; long ones end in "...". */
static const char *answer_text(const json_t *answer, const struct hap_tokenizer *tokenizer,
                               char *text, size_t size)
{
        const json_t *token;
        char one[256];
        size_t i, used = 0;

        if (json_is_string(answer)) {
                hap_printable(json_string_value(answer), one, sizeof one);
                snprintf(text, size, "'%s'", one);
                return text;
        }
        if (json_is_integer(answer)) {
                snprintf(text, size, "%lld %s", (long long)json_integer_value(answer),
                         token_text(tokenizer, json_integer_value(answer), one, sizeof one));
                return text;
        }
        json_array_foreach((json_t *)answer, i, token) {
                const long long id = (long long)json_integer_value(token);

                if (used + sizeof one + 32 > size) {
                        snprintf(text + used, size - used, " + ...");
                        break;
                }
                used += (size_t)snprintf(text + used, size - used, "%s%lld %s", i ? " + " : "", id,
                                         token_text(tokenizer, id, one, sizeof one));
        }
        return text;
}

static void print_answers(FILE *out, const char *name, const json_t *list,
                          const struct hap_tokenizer *tokenizer)
{
        struct line line;
        const json_t *answer;
        char text[500];
        size_t i;

        if (json_array_size(list) == 0)
                return;
        line = begin_line(out, name);
        json_array_foreach((json_t *)list, i, answer)
                add_item(&line, "%s", answer_text(answer, tokenizer, text, sizeof text));
        end_line(&line);
}

static void print_top(FILE *out, const char *name, const float *logits, int n_out,
                      const struct hap_tokenizer *tokenizer)
{
        struct line line = begin_line(out, name);
        const double all = hap_log_sum_exp(n_out, logits);
        int32_t top[N_TOP];
        const int n = hap_likeliest(n_out, logits, N_TOP, top);
        char text[256];

        for (int i = 0; i < n; i++)
                add_item(&line, "%s %.3f", token_text(tokenizer, top[i], text, sizeof text),
                         exp((double)logits[top[i]] - all));
        end_line(&line);
}

/* The probabilities of answers of several tokens, in their order, after "answers" or "wrongs". */
static int print_probabilities(FILE *out, const char *name, const struct hap_example *example,
                               const float *logits, int n_out, struct hap_error *err)
{
        const size_t n = (size_t)example->n_answer_positions;
        double *log_sum = calloc(n, sizeof *log_sum);
        struct line line;

        if (!log_sum)
                return hap_fail_memory(err, "probabilities");
        for (size_t i = 0; i < n; i++)
                log_sum[i] = hap_log_sum_exp(n_out, logits + i * (size_t)n_out);
        line = begin_line(out, name);
        for (int i = 0; i < example->n_answers + example->n_wrongs; i++) {
                if (i == 0 || i == example->n_answers)
                        add_item(&line, "%s", i ? "wrongs" : "answers");
                add_item(&line, "%.3g", exp(hap_answer_log_probability(example->whole + i, n_out,
                                                                       logits, log_sum)));
        }
        end_line(&line);
        free(log_sum);
        return HAP_OK;
}

/* The predictions after the last answer position; with answers of several tokens, after the
 * prompt, and the probabilities of the answers. */
static int print_run(FILE *out, bool corrupted, const struct hap_example *example,
                     const float *logits, int n_out, const struct hap_tokenizer *tokenizer,
                     struct hap_error *err)
{
        const int last = example->whole ? 0 : example->n_answer_positions - 1;

        print_top(out, corrupted ? "after corr." : "after clean",
                  logits + (size_t)last * (size_t)n_out, n_out, tokenizer);
        return example->whole ? print_probabilities(out, corrupted ? "p corrupted" : "p clean",
                                                    example, logits, n_out, err)
                              : HAP_OK;
}

static int print_predictions(FILE *out, const json_t *record, const char *where,
                             const struct hap_task_model *model, const struct hap_engine *engine,
                             struct hap_error *err)
{
        const int n_out = engine->model->config.n_out;
        struct hap_batches batches = {0};
        struct hap_example example;
        struct hap_arena arena;
        float *logits = NULL;
        int rc;

        hap_arena_init(&arena);
        rc = hap_example_of(record, engine->model, model->tokenizer, where, &arena, &example, err);
        if (rc == 0)
                rc = hap_batches_add(&batches, &example, 0, err);
        if (rc == 0 && !(logits = calloc((size_t)example.n_answer_positions * (size_t)n_out,
                                         sizeof *logits)))
                rc = hap_fail_memory(err, "logits");
        for (int corrupted = 0; corrupted < 2 && rc == 0; corrupted++) {
                rc = hap_run_examples(engine, &example, &batches, corrupted, HAP_F32, NULL,
                                      &logits, err);
                if (rc == 0)
                        rc = print_run(out, corrupted, &example, logits, n_out, model->tokenizer,
                                       err);
        }
        free(logits);
        hap_batches_release(&batches);
        hap_arena_release(&arena);
        return rc;
}

int hap_task_check(FILE *out, const json_t *record, const char *where,
                   const struct hap_task_model *model, const struct hap_engine *engine,
                   struct hap_error *err)
{
        const json_t *at = json_object_get(record, "at"), *position;
        struct line line;
        char text[768];
        size_t i;

        snprintf(text, sizeof text, "%s (%s)", json_string_value(json_object_get(record, "id")),
                 where);
        fprintf(out, "%s\n", text);
        print_prompt(out, "clean", json_object_get(record, "clean"), model->tokenizer);
        print_prompt(out, "corrupted", json_object_get(record, "corrupted"), model->tokenizer);
        print_difference(out, record);
        print_positions(out, record, model->tokenizer);
        if (at) {
                line = begin_line(out, "at");
                json_array_foreach((json_t *)at, i, position)
                        add_item(&line, "%lld", (long long)json_integer_value(position));
                end_line(&line);
        }
        print_answers(out, "answers", json_object_get(record, "answers"), model->tokenizer);
        print_answers(out, "wrongs", json_object_get(record, "wrongs"), model->tokenizer);
        return engine ? print_predictions(out, record, where, model, engine, err) : HAP_OK;
}
