/* hap-eval: reads circuits and the examples of a task or a cache and writes a report of metrics. */
#include <stdlib.h>
#include <string.h>

#include "common/program.h"
#include "data/inputs.h"
#include "eval/circuits.h"
#include "eval/class_report.h"
#include "eval/eval.h"

struct eval_options {
        const char *metrics, *classes;
        int ablation;
        bool keep_dead, each, full, empty, complement, split_input;
        struct hap_texts names;
};

static const struct hap_option options[] = {
        {0, "metric", "A,B,...", HAP_TEXT, offsetof(struct eval_options, metrics),
         .help = "report these [the first six]", .choice = hap_metric_choice},
        {0, "ablation", "NAME", HAP_CHOICE, offsetof(struct eval_options, ablation),
         .help = "replace the outputs of cut edges by this [interchange]",
         .choice = hap_ablation_choice},
        {0, "full", NULL, HAP_FLAG, offsetof(struct eval_options, full),
         .help = "also evaluate the full model"},
        {0, "empty", NULL, HAP_FLAG, offsetof(struct eval_options, empty),
         .help = "also evaluate the circuit without edges"},
        {0, "complement", NULL, HAP_FLAG, offsetof(struct eval_options, complement),
         .help = "also evaluate the full model without each circuit"},
        {0, "keep-dead", NULL, HAP_FLAG, offsetof(struct eval_options, keep_dead),
         .help = "keep edges that are on no path from the input to the logits"},
        {0, "per-example", NULL, HAP_FLAG, offsetof(struct eval_options, each),
         .help = "also write the values of every example"},
        {0, "name", "NAME", HAP_TEXTS, offsetof(struct eval_options, names),
         .help = "name the circuits in the report, in the order of the input"},
        {0, "classes", "FILE", HAP_TEXT, offsetof(struct eval_options, classes),
         .help = "instead of metrics, report which nodes and edges of each class of FILE are kept"},
        {0, "split-input", NULL, HAP_FLAG, offsetof(struct eval_options, split_input),
         .help = "with a task: make token and position embeddings two writers"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-eval",
        .summary = "measure how well circuits perform a task",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY,
        .options = options,
        .notes = "The input contains one task or cache, and any number of circuits.",
};

struct evaluating {
        struct hap_program *p;
        const struct eval_options *opt;
        struct hap_inputs inputs;
        struct hap_metric_list metrics;
        struct hap_evaluation evaluation;
};

static void read_inputs(struct evaluating *e)
{
        struct hap_program *p = e->p;
        const struct eval_options *opt = e->opt;

        hap_must(p, hap_inputs_read(p->in, &(struct hap_inputs_want){
                .circuits = HAP_ANY_NUMBER,
                .need_circuits = !opt->full && !opt->empty,
                .model_path = p->model,
                .split_input = opt->split_input,
                .batches = 4 * (size_t)p->threads,
                .prompts = {hap_ablations[opt->ablation], .want_q = true, .want_log_p = true},
                .memory = hap_memory_within(&hap_memory_eval, p->max_memory, (size_t)p->threads),
        }, &e->inputs, &p->error));
        if (opt->names.n > e->inputs.circuits.n)
                hap_die(p, HAP_EUSAGE, "%zu names for %zu circuits", opt->names.n,
                        e->inputs.circuits.n);
}

static struct hap_evaluated *add_evaluated(struct evaluating *e, enum hap_role role,
                                           const char *name, const float *z)
{
        struct hap_evaluated *added;

        hap_must(e->p, hap_evaluation_add(&e->evaluation, &e->inputs.engine.graph, role, name, z,
                                          e->opt->keep_dead, &added, &e->p->error));
        return added;
}

static void add_circuit(struct evaluating *e, size_t i)
{
        const struct hap_edges *circuit = e->inputs.circuits.items + i;
        const char *name = json_string_value(json_object_get(circuit->header, "name")), *made;
        struct hap_program *p = e->p;
        struct hap_evaluated *added;

        name = i < e->opt->names.n ? e->opt->names.items[i] : name;
        added = add_evaluated(e, HAP_A_CIRCUIT, name, circuit->z);
        if (added->dropped)
                hap_say(p, "%s: %zu of its %zu edges are dead and left out", added->name,
                        added->dropped, added->dropped + added->edges);
        if (!added->edges)
                hap_say(p, "%s: no edge is left: all of them are ablated", added->name);
        if (hap_circuit_made_otherwise(circuit->header, hap_ablations[e->opt->ablation], &made))
                hap_say(p, "%s: made under %s ablation, measured under %s", added->name, made,
                        hap_ablations[e->opt->ablation]->name);
        if (e->opt->complement)
                hap_must(p, hap_evaluation_add_complement(&e->evaluation, &e->inputs.engine.graph,
                                                          e->opt->keep_dead, &p->error));
}

/* A metric that is normalised is measured between the full model and the empty circuit. */
static void add_circuits(struct evaluating *e)
{
        const bool normalise = hap_metric_list_normalises(&e->metrics);

        if (e->opt->full || normalise)
                add_evaluated(e, HAP_FULL_MODEL, "full", NULL)->quiet = !e->opt->full;
        if (e->opt->empty || normalise)
                add_evaluated(e, HAP_EMPTY_CIRCUIT, "empty", NULL)->quiet = !e->opt->empty;
        for (size_t i = 0; i < e->inputs.circuits.n; i++)
                add_circuit(e, i);
}

static void evaluate_examples(struct evaluating *e)
{
        struct hap_program *p = e->p;
        const size_t total = hap_inputs_total(&e->inputs);
        const struct hap_prompts *prompts;

        while (hap_must(p, hap_inputs_next(&e->inputs, &prompts, &p->error))) {
                hap_must(p, hap_evaluation_run(&e->evaluation, &e->inputs.engine, prompts,
                                               &p->error));
                hap_progress(p, e->evaluation.n, total, NULL);
        }
        if (hap_must(p, hap_evaluation_check(&e->evaluation, &e->metrics, e->opt->metrics != NULL,
                                             &p->error)))
                hap_say(p, "some metrics are left out: %s", p->error.message);
}

static void write_report(struct evaluating *e)
{
        struct hap_program *p = e->p;
        json_t *header = hap_program_header(p, "report", e->inputs.header);

        hap_must(p, hap_inputs_describe(&e->inputs, header, &p->error));
        hap_must(p, hap_evaluation_describe(&e->evaluation, header, &p->error));
        json_object_update_new(header, json_pack(
                "{s:s, s:s}", "ablation", hap_ablations[e->opt->ablation]->name,
                "dead", e->opt->keep_dead ? "kept" : "removed"));
        hap_must(p, hap_stream_out_begin(p->out, header, &p->error));
        hap_must(p, hap_evaluation_write(&e->evaluation, &e->metrics, e->opt->each, p->out,
                                         &p->error));
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        json_decref(header);
}

/* --classes: the number of circuits. */
static size_t report_classes(struct hap_program *p, const struct eval_options *opt)
{
        size_t n;

        if (opt->metrics || opt->each || opt->full || opt->empty || opt->complement)
                hap_die(p, HAP_EUSAGE, "--classes runs nothing: it cannot be combined with --metric, "
                        "--per-example, --full, --empty or --complement");
        hap_must(p, hap_class_report(p, opt->classes, &opt->names, opt->keep_dead, &n));
        return n;
}

int main(int argc, char **argv)
{
        struct eval_options opt = {0};
        struct hap_program p;
        struct evaluating e = {.p = &p, .opt = &opt};
        size_t done;

        hap_program_begin(&p, &info, argc, argv, &opt);
        if (opt.classes)
                return hap_program_end(&p, report_classes(&p, &opt), "circuits");
        hap_must(&p, hap_metric_list_parse(opt.metrics, &e.metrics, &p.error));
        hap_evaluation_init(&e.evaluation, &e.metrics);
        read_inputs(&e);
        add_circuits(&e);
        evaluate_examples(&e);
        write_report(&e);
        done = e.evaluation.n;
        hap_evaluation_release(&e.evaluation);
        hap_inputs_release(&e.inputs);
        return hap_program_end(&p, done, "examples");
}
