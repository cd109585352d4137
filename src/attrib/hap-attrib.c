/* hap-attrib: reads the examples of a task or a cache and writes a score for every edge. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/attrib.h"
#include "common/program.h"
#include "data/inputs.h"
#include "forward/bf16.h"

struct attrib_options {
        int method, metric, ablation, precision;
        int64_t steps;
        bool split_input;
        const char *positions;
};

static const char *const precision_names[] = {"f32", "bf16", NULL}; /* as enum hap_precision */

static const struct hap_option options[] = {
        {0, "method", "NAME", HAP_CHOICE, offsetof(struct attrib_options, method),
         .help = "score the edges by this method [eap]", .choice = hap_method_choice},
        {0, "metric", "NAME", HAP_CHOICE, offsetof(struct attrib_options, metric),
         .help = "measure the effect by this metric [logit-diff]",
         .choice = hap_metric_gradient_choice},
        {0, "steps", "K", HAP_INT, offsetof(struct attrib_options, steps),
         .help = "eap-ig: take K steps from corrupted to clean [5]", .min = 1, .max = 10000},
        {0, "ablation", "NAME", HAP_CHOICE, offsetof(struct attrib_options, ablation),
         .help = "replace the outputs of ablated edges by this [interchange]",
         .choice = hap_ablation_choice},
        {0, "precision", "NAME", HAP_CHOICE, offsetof(struct attrib_options, precision),
         .choices = precision_names,
         .help = "multiply by weights in this precision; scores of bf16 are rounded [f32]"},
        {0, "split-input", NULL, HAP_FLAG, offsetof(struct attrib_options, split_input),
         .help = "with a task: make token and position embeddings two writers"},
        {0, "positions", "NAMES", HAP_TEXT, offsetof(struct attrib_options, positions),
         .help = "with a task: split every edge by these named positions, or all"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-attrib",
        .summary = "score every edge of a model",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY,
        .options = options,
        .notes = "The input contains one task or cache; for a task the model is run first.\n"
                 "mask-gradient also reads a circuit; without one every mask is 1.",
};

struct attribution {
        struct hap_program *p;
        const struct attrib_options *opt;
        struct hap_inputs inputs;
        struct hap_attrib attrib;
};

static bool needs(const struct attrib_options *opt, enum hap_method_needs what)
{
        return hap_methods[opt->method]->needs & what;
}

static const struct hap_metric *metric_of(const struct attrib_options *opt)
{
        return opt->metric < 0 ? &hap_metric_logit_diff : hap_metric_with_gradient(opt->metric);
}

static struct hap_attrib_options attrib_options(const struct attribution *a)
{
        return (struct hap_attrib_options){
                .method = hap_methods[a->opt->method], .metric = metric_of(a->opt),
                .steps = (int)a->opt->steps,
                .ablation = hap_ablations[a->opt->ablation],
                .bf16 = a->opt->precision == HAP_PRECISION_BF16,
                .z = hap_inputs_z(&a->inputs),
        };
}

static void show_removals(void *context, size_t done, size_t total)
{
        hap_progress(context, done, total, "edges removed");
}

static void score_examples(struct attribution *a)
{
        const struct hap_attrib_options settings = attrib_options(a);
        const size_t total = hap_inputs_total(&a->inputs);
        const struct hap_prompts *prompts;

        hap_must(a->p, hap_attrib_init(&a->attrib, &a->inputs.engine, &settings, &a->p->error));
        a->attrib.progress = show_removals;
        a->attrib.context = a->p;
        while (hap_must(a->p, hap_inputs_next(&a->inputs, &prompts, &a->p->error))) {
                hap_must(a->p, hap_attrib_add(&a->attrib, prompts, &a->p->error));
                hap_progress(a->p, a->attrib.n, total, NULL);
        }
}

static void write_scores(struct attribution *a)
{
        const size_t n_edges = a->inputs.engine.graph.n_edges;
        double *score = calloc(n_edges, sizeof *score);
        json_t *header = hap_program_header(a->p, "scores", a->inputs.header);
        json_t *method = json_pack(
                "{s:s, s:s, s:s, s:s}", "name", hap_methods[a->opt->method]->name, "metric",
                metric_of(a->opt)->name, "ablation",
                hap_ablations[a->opt->ablation]->name, "sign",
                "positive: corrupting the edge hurts");

        if (!score || !method)
                hap_die(a->p, HAP_ESYSTEM, "out of memory for scores");
        if (a->opt->precision != HAP_PRECISION_F32)
                json_object_set_new(method, "precision",
                                    json_string(precision_names[a->opt->precision]));
        if (needs(a->opt, HAP_NEEDS_STEPS))
                json_object_set_new(method, "steps", json_integer(a->opt->steps));
        hap_must(a->p, hap_inputs_describe(&a->inputs, header, &a->p->error));
        json_object_set_new(header, "method", method);
        json_object_set_new(header, "examples", json_integer((json_int_t)a->attrib.n));
        hap_attrib_scores(&a->attrib, score);
        hap_must(a->p, hap_scores_write(a->p->out, header, &a->inputs.engine.graph, score, NULL,
                                        &a->p->error));
        json_decref(header);
        free(score);
}

int main(int argc, char **argv)
{
        struct attrib_options opt = {.metric = -1};
        struct hap_program p;
        struct attribution a = {.p = &p, .opt = &opt};
        struct hap_attrib_options settings;
        size_t done;

        hap_program_begin(&p, &info, argc, argv, &opt);
        if (opt.steps && !needs(&opt, HAP_NEEDS_STEPS))
                hap_die(&p, HAP_EUSAGE, "--steps has no effect with method '%s'",
                        hap_methods[opt.method]->name);
        opt.steps = opt.steps ? opt.steps : 5;
        settings = attrib_options(&a);
        hap_must(&p, hap_inputs_read(p.in, &(struct hap_inputs_want){
                .circuits = needs(&opt, HAP_NEEDS_CIRCUIT) ? 1 : 0,
                .model_path = p.model, .weights = (enum hap_weights)p.weights,
                .split_input = opt.split_input,
                .positions = opt.positions,
                .must_differ = true,
                .batches = (size_t)omp_get_max_threads(), /* memory does not grow */
                .prompts = hap_attrib_prompts(&settings),
                .memory = hap_attrib_memory(&settings, p.max_memory, (size_t)p.threads),
        }, &a.inputs, &p.error));
        if (opt.precision == HAP_PRECISION_BF16)
                hap_must(&p, hap_engine_use_bf16(&a.inputs.engine, &p.error));
        score_examples(&a);
        write_scores(&a);
        done = a.attrib.n;
        hap_attrib_release(&a.attrib);
        hap_inputs_release(&a.inputs);
        return hap_program_end(&p, done, "examples");
}
