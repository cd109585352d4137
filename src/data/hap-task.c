/* hap-task: write the prompts of a task, clean and corrupted. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/program.h"
#include "data/task_output.h"

struct task_options {
        int64_t n, seed, bootstrap;
        int split, bos; /* -1: not given */
        const char *from, *corruption, *shard;
        bool generate, list, check, predict, skip_bad;
};

static const char *const bos_names[] = {"on", "off", NULL};

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
         .help = "read prompts from a file ('-': standard input): JSON lines, a JSON array, or CSV "
                 "or tab-separated lines with a header line; NAME is optional"},
        {0, "shard", "I/N", HAP_TEXT, offsetof(struct task_options, shard),
         .help = "write only shard I of N, for hap-merge; I counts from 1"},
        {0, "skip-bad", NULL, HAP_FLAG, offsetof(struct task_options, skip_bad),
         .help = "with --from: leave out prompts that cannot be used, and count them"},
        {0, "bos", "WHEN", HAP_CHOICE, offsetof(struct task_options, bos),
         .help = "with -m: put BOS before prompts that are text, or not [as the model's settings "
                 "ask]", .choices = bos_names},
        {0, "generate", NULL, HAP_FLAG, offsetof(struct task_options, generate),
         .help = "with -m: generate prompts even if the model's folder has some"},
        {0, "list", NULL, HAP_FLAG, offsetof(struct task_options, list),
         .help = "print the tasks, their numbers of prompts and their corruptions"},
        {0, "check", NULL, HAP_FLAG, offsetof(struct task_options, check),
         .help = "print every prompt's tokens, answers and positions; write no stream"},
        {0, "predict", NULL, HAP_FLAG, offsetof(struct task_options, predict),
         .help = "with --check and -m: run the model, print its five most likely next tokens"},
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

/* --list and --check print text, so the program must not open a stream. */
static bool is_given(int argc, char **argv, const char *option)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (strcmp(argv[i], option) == 0)
                        return true;
        return false;
}

static int list_tasks(int argc, char **argv)
{
        struct hap_program_info text = info;
        struct task_options opt = {.split = -1, .bos = -1};
        struct hap_program p;

        text.uses = HAP_USES_MODEL;
        hap_program_begin(&p, &text, argc, argv, &opt);
        if (p.n_operands || opt.n || opt.seed || opt.bootstrap || opt.split >= 0 || opt.from ||
            opt.corruption || opt.generate || opt.check || opt.shard || opt.skip_bad || opt.bos >= 0)
                hap_die(&p, HAP_EUSAGE, "--list lists all tasks; only -m can be combined with it");
        p.quiet = true; /* there are no records to count */
        hap_task_print_list(&p);
        return hap_program_end(&p, 0, "prompts");
}

/* hap-task --check FILE means --from FILE. */
static void take_file(struct hap_program *p, struct task_options *opt)
{
        const char *name = p->n_operands == 1 ? p->operands[0] : NULL;

        if (opt->check && !opt->from && name && !hap_task_find(name) &&
            (strcmp(name, "-") == 0 || access(name, R_OK) == 0)) {
                opt->from = name;
                p->n_operands = 0;
        }
}

static void check_options(struct hap_program *p, const struct task_options *opt)
{
        const struct {
                bool wrong;
                const char *message;
        } rules[] = {
                {!p->n_operands && !opt->from, "no task is given; hap-task --list lists the tasks"},
                {opt->from && opt->split >= 0,
                 "--from has no splits: --split cannot be used with it"},
                {opt->generate && (opt->from || !p->model), "--generate needs -m, and no --from"},
                {opt->skip_bad && (!opt->from || opt->bootstrap),
                 "--skip-bad needs --from, and no --bootstrap"},
                {opt->bos >= 0 && !p->model, "--bos needs -m, whose tokenizer knows BOS"},
                {opt->shard && opt->check, "--shard cannot be combined with --check"},
                {opt->predict && !(opt->check && p->model), "--predict needs --check and -m"},
        };

        if (p->n_operands > 1)
                hap_die(p, HAP_EUSAGE, "unexpected operand '%s': give one task", p->operands[1]);
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
                if (rules[i].wrong)
                        hap_die(p, HAP_EUSAGE, "%s", rules[i].message);
}

static struct hap_task_request request_of(const struct hap_program *p,
                                          const struct task_options *opt)
{
        return (struct hap_task_request){
                .name = p->n_operands ? p->operands[0] : NULL,
                .from = opt->from,
                .corruption = opt->corruption,
                .model_path = p->model,
                .split = opt->split < 0 ? HAP_TRAIN : (enum hap_split)opt->split,
                .seed = (uint64_t)opt->seed,
                .bootstrap = (uint64_t)opt->bootstrap,
                .n = (size_t)opt->n,
                .make = opt->generate,
                .bos = opt->bos < 0 ? NULL : bos_names[opt->bos],
        };
}

/* Prompts of --from may be token ids, for a model that has no tokenizer. */
static void load_tokenizer(struct hap_program *p, const struct task_options *opt,
                           struct hap_tokenizer **tokenizer)
{
        int rc = hap_tokenizer_load(tokenizer, p->model, &p->error);

        if (!opt->from || opt->bos >= 0 || rc != HAP_EINPUT)
                hap_must(p, rc);
        if (opt->bos >= 0)
                hap_must(p, hap_tokenizer_use_bos(*tokenizer, opt->bos == 0, &p->error));
}

int main(int argc, char **argv)
{
        struct task_options opt = {.split = -1, .bos = -1};
        const bool check = is_given(argc, argv, "--check");
        struct hap_program_info used = info;
        struct hap_program p;
        struct hap_model loaded = {0};
        struct hap_error why;
        struct hap_tokenizer *tokenizer = NULL;
        struct hap_task_model model = {0};
        size_t n;
        int status;

        if (is_given(argc, argv, "--list"))
                return list_tasks(argc, argv);
        used.uses = check ? HAP_USES_MODEL : info.uses;
        hap_program_begin(&p, &used, argc, argv, &opt);
        take_file(&p, &opt);
        check_options(&p, &opt);
        if (opt.from)
                hap_program_reads(&p, opt.from);
        if (p.model) {
                hap_must(&p, opt.predict ? hap_model_load(&loaded, p.model, &p.error)
                                         : hap_model_load_config(&loaded, p.model, &p.error));
                load_tokenizer(&p, &opt, &tokenizer);
                why = p.error;
                model = (struct hap_task_model){&loaded, tokenizer, why.message};
        }
        n = hap_task_output(&p, &(struct hap_task_output){request_of(&p, &opt), &model,
                                                         opt.predict ? &loaded : NULL, opt.check,
                                                         opt.skip_bad, opt.shard}, &status);
        hap_tokenizer_free(tokenizer);
        if (p.model)
                hap_model_release(&loaded);
        return hap_program_end(&p, n, "prompts") | status;
}
