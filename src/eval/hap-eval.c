/* hap-eval: reads circuits and the examples of a task or a cache and writes a report of metrics. */
#include <stdlib.h>
#include <string.h>

#include "common/program.h"
#include "data/inputs.h"
#include "eval/circuits.h"
#include "eval/curve.h"
#include "eval/eval.h"
#include "eval/statistics.h"

struct eval_options {
        const char *metrics;
        int ablation;
        bool keep_dead, each, full, empty, complement, split_input;
        struct hap_texts names;
        struct hap_statistics_options statistics;
        struct hap_curve_options curve;
};

static const struct hap_option options[] = {
        {0, "metric", "A,B,...", HAP_TEXT, offsetof(struct eval_options, metrics),
         .help = "report these [all except faithfulness]", .choice = hap_metric_choice},
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
        HAP_STATISTICS_OPTIONS(struct eval_options, statistics),
        HAP_CURVE_OPTIONS(struct eval_options, curve),
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
        .notes = "The input contains one task or cache, any number of circuits and, with --curve, of "
                 "scores.",
};

struct evaluating {
        struct hap_program *p;
        const struct eval_options *opt;
        struct hap_inputs inputs;
        struct hap_metric_list metrics;
        struct hap_evaluation evaluation;
        struct hap_statistics statistics;
        struct hap_curves curves;
};

static void read_inputs(struct evaluating *e)
{
        struct hap_program *p = e->p;
        const struct eval_options *opt = e->opt;
        struct hap_memory_estimate memory = hap_memory_within(&hap_memory_eval, p->max_memory,
                                                              (size_t)p->threads);

        if (opt->statistics.tests) /* they keep all prompts */
                memory.batches = 0;
        hap_must(p, hap_inputs_read(p->in, &(struct hap_inputs_want){
                .circuits = HAP_ANY_NUMBER,
                .scores = opt->curve.wanted ? HAP_ANY_NUMBER : 0,
                .need_circuits = !opt->full && !opt->empty && !opt->curve.wanted,
                .model_path = p->model, .weights = (enum hap_weights)p->weights,
                .split_input = opt->split_input,
                .batches = opt->statistics.tests ? 0 : 4 * (size_t)p->threads,
                .prompts = {hap_ablations[opt->ablation], .want_q = true, .want_log_p = true},
                .memory = memory,
        }, &e->inputs, &p->error));
        if (opt->names.n > e->inputs.scores.n + e->inputs.circuits.n)
                hap_die(p, HAP_EUSAGE, "%zu names for %zu circuits", opt->names.n,
                        e->inputs.scores.n + e->inputs.circuits.n);
        hap_must(p, hap_curves_read_reference(&e->curves, &e->inputs.engine.graph, &p->error));
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
        const struct hap_texts *names = &e->opt->names;
        const size_t at = e->inputs.scores.n + i; /* scores are named first */
        const char *name = at < names->n ? names->items[at] : NULL, *made;
        struct hap_program *p = e->p;
        struct hap_evaluated *added;

        if (hap_must(p, hap_curves_add_circuit(&e->curves, &e->evaluation, circuit, name,
                                               &p->error)))
                return;
        name = name ? name : json_string_value(json_object_get(circuit->header, "name"));
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
        const bool normalise = hap_metric_list_normalises(&e->metrics) || e->opt->curve.wanted;

        if (e->opt->full || normalise)
                add_evaluated(e, HAP_FULL_MODEL, "full", NULL)->quiet = !e->opt->full;
        if (e->opt->empty || normalise)
                add_evaluated(e, HAP_EMPTY_CIRCUIT, "empty", NULL)->quiet = !e->opt->empty;
        hap_must(e->p, hap_curves_add_scores(&e->curves, &e->evaluation, &e->inputs.scores,
                                             &e->opt->names, &e->p->error));
        for (size_t i = 0; i < e->inputs.circuits.n; i++)
                add_circuit(e, i);
        if (e->opt->curve.wanted && e->curves.n == 0)
                hap_must(e->p, hap_stream_in_fail_missing(e->p->in, "scores", &e->p->error));
}

static void evaluate_examples(struct evaluating *e)
{
        struct hap_program *p = e->p;
        const size_t total = hap_inputs_total(&e->inputs);
        const struct hap_prompts *prompts;

        while (hap_must(p, hap_inputs_next(&e->inputs, &prompts, &p->error))) {
                hap_must(p, hap_evaluation_run(&e->evaluation, &e->inputs.engine, prompts,
                                               &p->error));
                hap_must(p, hap_statistics_run(&e->statistics, &e->inputs.engine, prompts,
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
        hap_must(p, hap_curves_describe(&e->curves, &e->evaluation, header, &p->error));
        json_object_update_new(header, json_pack(
                "{s:s, s:s}", "ablation", hap_ablations[e->opt->ablation]->name,
                "dead", e->opt->keep_dead ? "kept" : "removed"));
        hap_must(p, hap_stream_out_begin(p->out, header, &p->error));
        hap_must(p, hap_evaluation_write(&e->evaluation, &e->metrics, e->opt->each, p->out,
                                         &p->error));
        hap_must(p, hap_statistics_write(&e->statistics, &e->metrics, p->out, &p->error));
        hap_must(p, hap_curves_write(&e->curves, &e->evaluation, &e->inputs.engine.graph,
                                     &e->metrics, p->out, &p->error));
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        json_decref(header);
}

int main(int argc, char **argv)
{
        struct eval_options opt = {.statistics = HAP_STATISTICS_DEFAULTS};
        struct hap_program p;
        struct evaluating e = {.p = &p, .opt = &opt};
        size_t done;

        hap_program_begin(&p, &info, argc, argv, &opt);
        hap_must(&p, hap_statistics_check(&opt.statistics, &p.error));
        hap_must(&p, hap_curves_init(&e.curves, &opt.curve, &p.error));
        opt.metrics = opt.curve.wanted && !opt.metrics ? "logit-diff" : opt.metrics;
        hap_must(&p, hap_metric_list_parse(opt.metrics, &e.metrics, &p.error));
        hap_evaluation_init(&e.evaluation, &e.metrics);
        read_inputs(&e);
        e.statistics = (struct hap_statistics){.options = &opt.statistics,
                                               .evaluation = &e.evaluation,
                                               .circuits = &e.inputs.circuits,
                                               .keep_dead = opt.keep_dead,
                                               .metrics_given = opt.metrics != NULL};
        add_circuits(&e);
        hap_must(&p, hap_statistics_begin(&e.statistics, &e.inputs.engine.graph, &p.error));
        evaluate_examples(&e);
        hap_must(&p, hap_statistics_finish(&e.statistics, &p.error));
        write_report(&e);
        done = e.evaluation.n;
        hap_statistics_release(&e.statistics);
        hap_curves_release(&e.curves);
        hap_evaluation_release(&e.evaluation);
        hap_inputs_release(&e.inputs);
        return hap_program_end(&p, done, "examples");
}
