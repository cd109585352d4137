/* hap-task: write the prompts of a task, clean and corrupted. */
#include <stdio.h>
#include <string.h>

#include "common/program.h"
#include "common/spool.h"
#include "task/task.h"
#include "task/task_remarks.h"

struct task_options {
        int64_t n, seed, bootstrap;
        int split; /* -1: not given */
        const char *from, *corruption;
        bool generate, list;
};

static const struct hap_option options[] = {
        {'n', "number", "N", HAP_INT, offsetof(struct task_options, n),
         .help = "write N prompts [200; with --from: all]", .min = 1,
         .max = HAP_TASK_MAX_EXAMPLES},
        {0, "split", "SPLIT", HAP_CHOICE, offsetof(struct task_options, split),
         .help = "write prompts of this split; splits share no prompt [train]",
         .choices = hap_split_names},
        {0, "corruption", "KIND", HAP_TEXT, offsetof(struct task_options, corruption),
         .help = "corrupt the prompts in this way, see below [the first listed]"},
        {0, "seed", "N", HAP_INT, offsetof(struct task_options, seed),
         .help = "choose and shuffle prompts by this seed; 0: file order [0]", .min = 0,
         .max = 9007199254740992},
        {0, "bootstrap", "N", HAP_INT, offsetof(struct task_options, bootstrap),
         .help = "write bootstrap sample N of the prompts, drawn with replacement",
         .min = 1, .max = 9007199254740992},
        {0, "from", "FILE", HAP_TEXT, offsetof(struct task_options, from),
         .help = "read prompts from JSON lines ('-': standard input); NAME is optional"},
        {0, "generate", NULL, HAP_FLAG, offsetof(struct task_options, generate),
         .help = "with -m: generate prompts even if the model's folder has some"},
        {0, "list", NULL, HAP_FLAG, offsetof(struct task_options, list),
         .help = "print the tasks, their numbers of prompts and their corruptions"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-task",
        .summary = "write the prompts of a task",
        .operands = "[NAME]",
        .uses = HAP_USES_MODEL | HAP_USES_STREAM,
        .options = options,
        .notes = "Tasks and their corruptions:\n"
                 "  ioi               abc, s2-io-flip, s1-io-flip, s1-flip, random-names\n"
                 "  greater-than      year-01, random-year\n"
                 "  gendered-pronoun  other-gender\n"
                 "  docstring         other-names, exchange (demo model only)\n"
                 "  induction         no-repeat, exchange (demo model only)\n",
};

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

/* --list prints text, so the program must not open a stream. */
static bool is_list(int argc, char **argv)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
                if (strcmp(argv[i], "--list") == 0)
                        return true;
        return false;
}

static int list_tasks(int argc, char **argv)
{
        struct hap_program_info text = info;
        struct task_options opt = {.split = -1};
        struct hap_program p;
        FILE *out;

        text.uses = HAP_USES_MODEL;
        hap_program_begin(&p, &text, argc, argv, &opt);
        if (p.n_operands || opt.n || opt.seed || opt.bootstrap || opt.split >= 0 || opt.from ||
            opt.corruption || opt.generate)
                hap_die(&p, HAP_EUSAGE, "--list lists all tasks; only -m can be combined with it");
        p.quiet = true; /* there are no records to count */
        out = hap_program_text(&p);
        fprintf(out, "%-17s %-10s %6s  %s\n", "task", "split", "number", "corruptions");
        for (const struct hap_task_kind *task = hap_tasks; task->name; task++)
                list_task(&p, out, task->name);
        return hap_program_end(&p, 0, "prompts");
}

static struct hap_task_request request_of(struct hap_program *p, const struct task_options *opt)
{
        struct hap_task_request request = {
                .name = p->n_operands ? p->operands[0] : NULL,
                .from = opt->from,
                .corruption = opt->corruption,
                .model_path = p->model,
                .split = opt->split < 0 ? HAP_TRAIN : (enum hap_split)opt->split,
                .seed = (uint64_t)opt->seed,
                .bootstrap = (uint64_t)opt->bootstrap,
                .n = (size_t)opt->n,
                .make = opt->generate,
        };

        if (p->n_operands > 1)
                hap_die(p, HAP_EUSAGE, "unexpected operand '%s': give one task", p->operands[1]);
        if (request.from)
                hap_program_reads(p, request.from);
        if (!request.name && !request.from)
                hap_die(p, HAP_EUSAGE, "no task is given; hap-task --list lists the tasks");
        if (request.from && opt->split >= 0)
                hap_die(p, HAP_EUSAGE, "--from has no splits: --split cannot be used with it");
        if (request.make && (request.from || !p->model))
                hap_die(p, HAP_EUSAGE, "--generate needs -m, and no --from");
        return request;
}

/* n: the number of prompts that each remark applies to. */
static void spool_record(struct hap_program *p, struct hap_spool *spool, json_t *record,
                         const char *task, const struct hap_task_model *model, const char *where,
                         size_t n[])
{
        hap_task_remark_text(record, model, n);
        hap_must(p, hap_task_ready(&record, task, model, where, &p->error));
        hap_task_remark_ids(record, model, n);
        hap_pack_json(hap_spool_record(spool), record);
        hap_must(p, hap_spool_end_record(spool, &p->error));
        json_decref(record);
}

static size_t write_task(struct hap_program *p, const struct task_options *opt,
                         const struct hap_task_model *model)
{
        const struct hap_task_request request = request_of(p, opt);
        struct hap_task_source source;
        struct hap_spool spool;
        json_t *fields, *header, *record;
        size_t n[HAP_REMARKS] = {0};
        char where[512];

        hap_must(p, hap_task_open(&source, &request, model, &p->error));
        fields = hap_task_describe(&source, &request, model->tokenizer);
        hap_must(p, hap_spool_init(&spool, &p->error));
        while (hap_must(p, hap_task_next(&source, &record, where, sizeof where, &p->error)))
                spool_record(p, &spool, record, source.name, model, where, n);
        hap_task_set_digest(fields, hap_spool_digest(&spool));
        header = hap_program_header(p, "task", fields);
        hap_must(p, hap_spool_write_section(&spool, header, p->out, &p->error));
        hap_spool_release(&spool);
        json_decref(fields), json_decref(header);
        if (model->tokenizer && hap_tokenizer_note(model->tokenizer))
                hap_say(p, "%s", hap_tokenizer_note(model->tokenizer));
        for (int i = 0; i < HAP_REMARKS; i++)
                if (n[i])
                        hap_say(p, "in %zu of %zu prompts %s", n[i], source.n, hap_task_remarks[i]);
        hap_task_close(&source);
        return source.n;
}

/* Prompts of --from may be token ids, for a model that has no tokenizer. */
static void load_tokenizer(struct hap_program *p, bool needed, struct hap_tokenizer **tokenizer)
{
        int rc = hap_tokenizer_load(tokenizer, p->model, &p->error);

        if (needed || rc != HAP_EINPUT)
                hap_must(p, rc);
}

int main(int argc, char **argv)
{
        struct task_options opt = {.split = -1};
        struct hap_program p;
        struct hap_model config = {0};
        struct hap_error why;
        struct hap_tokenizer *tokenizer = NULL;
        struct hap_task_model model = {0};
        size_t n;

        if (is_list(argc, argv))
                return list_tasks(argc, argv);
        hap_program_begin(&p, &info, argc, argv, &opt);
        if (p.model) {
                hap_must(&p, hap_model_load_config(&config, p.model, &p.error));
                load_tokenizer(&p, !opt.from, &tokenizer);
                why = p.error;
                model = (struct hap_task_model){&config, tokenizer, why.message};
        }
        n = write_task(&p, &opt, &model);
        hap_tokenizer_free(tokenizer);
        if (p.model)
                hap_model_release(&config);
        return hap_program_end(&p, n, "prompts");
}
