#include "data/task_output.h"

#include <string.h>

#include "common/spool.h"
#include "data/shard.h"
#include "data/task_check.h"
#include "forward/engine.h"
#include "task/task_read.h"

/* The first bad prompt is reported only when there is a second: alone, it is the program's
 * error. */
struct bad {
        struct hap_program *program;
        bool skip; /* report each at once, unless -q */
        size_t n;
        char first[HAP_MESSAGE];
};
enum { MAX_REPORTED = 20 };

static void report_bad(void *context, const char *message)
{
        struct bad *bad = context;

        bad->n++;
        if (bad->n == 1)
                snprintf(bad->first, sizeof bad->first, "%s", message);
        if (bad->skip && bad->n <= MAX_REPORTED)
                hap_say(bad->program, "left out: %s", message);
        if (bad->skip || bad->n < 2 || bad->n > MAX_REPORTED)
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

static void write_section(struct hap_program *p, const struct hap_task_output *output,
                          const struct hap_task_source *source, struct hap_spool *spool,
                          size_t left_out, json_t *shard)
{
        json_t *fields = hap_task_describe(source, &output->request, output->model->tokenizer);
        json_t *header;

        if (left_out)
                json_object_set_new(json_object_get(fields, "task"), "left_out",
                                    json_integer((json_int_t)left_out));
        hap_task_set_digest(fields, hap_spool_digest(spool));
        if (shard)
                json_object_set_new(json_object_get(fields, "task"), "shard", shard);
        header = hap_program_header(p, "task", fields);
        hap_must(p, hap_spool_write_section(spool, header, p->out, &p->error));
        json_decref(header);
        json_decref(fields);
}

static void spool_record(struct hap_program *p, struct hap_spool *spool, const json_t *record)
{
        hap_pack_json(hap_spool_record(spool), record);
        hap_must(p, hap_spool_end_record(spool, &p->error));
}

/* --shard: leaves only the shard's records in the spool, which has all of them; returns their
 * number. *about is the header's "shard". */
static size_t keep_shard(struct hap_program *p, const char *which, const json_t *records,
                         struct hap_spool *spool, json_t **about)
{
        const uint64_t digest = hap_spool_digest(spool);
        struct hap_shard shard;
        size_t end;

        hap_must(p, hap_shard_parse(which, &shard, &p->error));
        hap_must(p, hap_shard_cut(&shard, records, &shard.first, &end, &p->error));
        shard.examples = json_array_size(records);
        *about = hap_shard_describe(&shard, digest);
        hap_spool_release(spool);
        hap_must(p, hap_spool_init(spool, &p->error));
        for (size_t i = shard.first; i < end; i++)
                spool_record(p, spool, json_array_get(records, i));
        return end - shard.first;
}

/* Records wait until all are read: the header has their digest and their number, and all bad ones
 * of the user's file are reported. */
static size_t write_task(struct hap_program *p, const struct hap_task_output *output,
                         struct hap_task_reading *reading)
{
        struct bad bad = {.program = p, .skip = output->skip_bad};
        struct hap_spool spool;
        json_t *records = json_array(), *record, *shard = NULL; /* of --shard */
        char where[512];
        size_t n = 0;

        if (output->request.from && !output->request.bootstrap)
                reading->bad = report_bad;
        /* cppcheck-suppress autoVariables ; the reading ends here */
        reading->context = &bad;
        hap_must(p, hap_spool_init(&spool, &p->error));
        for (; hap_must(p, hap_task_read(reading, &record, where, sizeof where, &p->error)); n++) {
                spool_record(p, &spool, record);
                if (output->shard)
                        json_array_append(records, record);
                json_decref(record);
        }
        end_bad(p, &bad, reading->n, output);
        if (output->shard && n)
                n = keep_shard(p, output->shard, records, &spool, &shard);
        reading->source->n = n;
        write_section(p, output, reading->source, &spool, bad.n, shard);
        hap_spool_release(&spool);
        json_decref(records);
        return n;
}

/* Bad prompts do not hide the others: they are reported, and *status is that of bad input. */
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
                reading->bad = report_bad;
        /* cppcheck-suppress autoVariables ; the reading ends here */
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
        else
                n = write_task(p, output, &reading);
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
