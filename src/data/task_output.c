#include "data/task_output.h"

#include <string.h>

#include "data/task_check.h"
#include "forward/engine.h"
#include "task/task_read.h"

/* The first bad prompt is told only when there is a second: alone, it is the program's error. */
struct bad {
        struct hap_program *program;
        bool skip; /* tell each at once, unless -q */
        size_t n;
        char first[HAP_MESSAGE];
};
enum { MAX_TOLD = 20 };

static void tell_bad(void *context, const char *message)
{
        struct bad *bad = context;

        bad->n++;
        if (bad->n == 1)
                snprintf(bad->first, sizeof bad->first, "%s", message);
        if (bad->skip && bad->n <= MAX_TOLD)
                hap_say(bad->program, "left out: %s", message);
        if (bad->skip || bad->n < 2 || bad->n > MAX_TOLD)
                return;
        if (bad->n == 2)
                hap_complain(bad->program, "%s", bad->first);
        hap_complain(bad->program, "%s", message);
}

/* After the last prompt: ends the program if there are bad ones, or counts them. */
static void end_bad(struct hap_program *p, const struct bad *bad, size_t n,
                    const struct hap_task_output *output)
{
        if (bad->n == 0)
                return;
        if (!bad->skip && bad->n == 1)
                hap_die(p, HAP_EINPUT, "%s", bad->first);
        if (!bad->skip || bad->n == n)
                hap_die(p, HAP_EINPUT, "cannot use %zu of the %zu prompts of '%s'%s", bad->n, n,
                        output->request.from,
                        bad->skip ? "" : "; --skip-bad leaves them out");
        hap_say(p, "left out %zu of %zu prompts that cannot be used", bad->n, n);
}

static void say_remarks(struct hap_program *p, const struct hap_task_reading *reading)
{
        const struct hap_task_model *model = reading->model;
        const struct hap_task_source *source = reading->source;

        if (model->tokenizer && hap_tokenizer_note(model->tokenizer))
                hap_say(p, "%s", hap_tokenizer_note(model->tokenizer));
        for (int i = 0; i < HAP_REMARKS; i++)
                if (reading->remarks[i])
                        hap_say(p, "in %zu of %zu prompts %s", reading->remarks[i], reading->n,
                                hap_task_remarks[i]);
        if (source->lines && hap_lines_unknown(source->lines)->n)
                hap_say(p, "in %zu of %zu prompts a %s", hap_lines_unknown(source->lines)->n,
                        reading->n, hap_lines_unknown(source->lines)->text);
}

static void write_record(struct hap_program *p, json_t *record)
{
        hap_pack_json(hap_stream_out_record(p->out), record);
        hap_must(p, hap_stream_out_end_record(p->out, &p->error));
}

static void begin_section(struct hap_program *p, const struct hap_task_output *output,
                          struct hap_task_source *source, size_t left_out)
{
        json_t *fields = hap_task_describe(source, &output->request, output->model->tokenizer);
        json_t *task = json_object_get(fields, "task");
        json_t *header;

        if (left_out)
                json_object_set_new(task, "left_out", json_integer((json_int_t)left_out));
        header = hap_program_header(p, "task", fields);
        hap_must(p, hap_stream_out_begin(p->out, header, &p->error));
        json_decref(header);
        json_decref(fields);
}

/* Records are written as they come. */
static size_t write_each(struct hap_program *p, const struct hap_task_output *output,
                         struct hap_task_reading *reading)
{
        json_t *record;
        char where[512];

        begin_section(p, output, reading->source, 0);
        while (hap_must(p, hap_task_read(reading, &record, where, sizeof where, &p->error))) {
                write_record(p, record);
                json_decref(record);
        }
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        return reading->source->n;
}

/* Records of the user's file are read to the end first, so that all bad ones are told and the
 * header has the number of the others. */
static size_t write_good(struct hap_program *p, const struct hap_task_output *output,
                         struct hap_task_reading *reading)
{
        struct bad bad = {.program = p, .skip = output->skip_bad};
        json_t *all = json_array(), *record;
        char where[512];
        size_t n;

        reading->bad = tell_bad;
        reading->context = &bad;
        while (hap_must(p, hap_task_read(reading, &record, where, sizeof where, &p->error)))
                json_array_append_new(all, record);
        end_bad(p, &bad, reading->n, output);
        reading->source->n = json_array_size(all);
        begin_section(p, output, reading->source, bad.n);
        json_array_foreach(all, n, record)
                write_record(p, record);
        json_decref(all);
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        return n;
}

/* Bad prompts do not hide the others: they are told, and *status is that of bad input. */
static size_t check_each(struct hap_program *p, const struct hap_task_output *output,
                         struct hap_task_reading *reading, int *status)
{
        struct bad bad = {.program = p};
        struct hap_engine engine = {0};
        FILE *out = hap_program_text(p);
        json_t *record;
        char where[512];
        size_t n = 0;

        if (output->loaded)
                hap_must(p, hap_engine_init(&engine, output->loaded, NULL, &p->error));
        if (output->request.from && !output->request.bootstrap)
                reading->bad = tell_bad;
        reading->context = &bad;
        while (hap_must(p, hap_task_read(reading, &record, where, sizeof where, &p->error))) {
                hap_must(p, hap_task_check(out, record, where, output->model,
                                           output->loaded ? &engine : NULL, &p->error));
                json_decref(record);
                n++;
        }
        if (bad.n == 1)
                hap_complain(p, "%s", bad.first);
        if (bad.n)
                hap_complain(p, "cannot use %zu of the %zu prompts of '%s'", bad.n, reading->n,
                             output->request.from);
        *status = bad.n ? 3 : 0;
        if (output->loaded)
                hap_engine_release(&engine);
        return n;
}

size_t hap_task_output(struct hap_program *p, const struct hap_task_output *output, int *status)
{
        struct hap_task_source source;
        struct hap_task_reading reading = {.source = &source, .model = output->model};
        size_t n;

        *status = 0;
        hap_must(p, hap_task_open(&source, &output->request, output->model, &p->error));
        if (output->check)
                n = check_each(p, output, &reading, status);
        else if (output->request.from && !output->request.bootstrap)
                n = write_good(p, output, &reading);
        else
                n = write_each(p, output, &reading);
        say_remarks(p, &reading);
        hap_task_close(&source);
        return n;
}

static void list_task(struct hap_program *p, FILE *out, const char *name)
{
        for (enum hap_split split = HAP_TRAIN; split <= HAP_TEST; split++) {
                char text[600];
                size_t n;

                if (hap_must(p, hap_task_list(name, split, p->model, &n, text, sizeof text,
                                              &p->error)))
                        fprintf(out, "%-17s %-10s %6zu  %s\n", name, hap_split_names[split],
                                n, text);
        }
}

void hap_task_print_list(struct hap_program *p)
{
        FILE *out = hap_program_text(p);

        fprintf(out, "%-17s %-10s %6s  %s\n", "task", "split", "number", "corruptions");
        for (const struct hap_task_kind *task = hap_tasks; task->name; task++)
                list_task(p, out, task->name);
}
