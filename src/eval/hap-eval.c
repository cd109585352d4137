/* hap-eval: reads circuits and the examples of a task or a cache and writes a report of metrics. */
#include <stdlib.h>
#include <string.h>

#include "common/mpi_layers.h"
#include "common/program.h"
#include "eval/class_report.h"
#include "eval/evaluating.h"
#include "eval/role_report.h"

static const struct hap_option options[] = {
        {0, "metric", "A,B,...", HAP_TEXT, offsetof(struct hap_eval_options, metrics),
         .help = "report these [the first six; with --full and --empty, the first seven]", .choice = hap_metric_choice},
        {0, "ablation", "NAME", HAP_CHOICE, offsetof(struct hap_eval_options, ablation),
         .help = "replace the outputs of cut edges by this [interchange]",
         .choice = hap_ablation_choice},
        {0, "full", NULL, HAP_FLAG, offsetof(struct hap_eval_options, full),
         .help = "also evaluate the full model"},
        {0, "empty", NULL, HAP_FLAG, offsetof(struct hap_eval_options, empty),
         .help = "also evaluate the circuit without edges"},
        {0, "complement", NULL, HAP_FLAG, offsetof(struct hap_eval_options, complement),
         .help = "also evaluate the full model without each circuit"},
        {0, "keep-dead", NULL, HAP_FLAG, offsetof(struct hap_eval_options, keep_dead),
         .help = "keep edges that are on no path from the input to the logits"},
        {0, "per-example", NULL, HAP_FLAG, offsetof(struct hap_eval_options, each),
         .help = "also write the values of every example"},
        {0, "predict", "N", HAP_INT, offsetof(struct hap_eval_options, predictions),
         .help = "also write the N likeliest tokens after every example", .min = 1,
         .max = HAP_MAX_PREDICTIONS},
        {0, "name", "NAME", HAP_TEXTS, offsetof(struct hap_eval_options, names),
         .help = "name the circuits in the report, in the order of the input"},
        HAP_STATISTICS_OPTIONS(struct hap_eval_options, statistics),
        HAP_CURVE_OPTIONS(struct hap_eval_options, curve),
        {0, "classes", "FILE", HAP_TEXT, offsetof(struct hap_eval_options, classes),
         .help = "instead of metrics, report which nodes and edges of each class of FILE are kept"},
        {0, "roles", NULL, HAP_FLAG, offsetof(struct hap_eval_options, roles),
         .help = "instead of metrics, report the roles of the heads, and which ones circuits keep"},
        {0, "loadings", "N|EDGE,...", HAP_TEXT, offsetof(struct hap_eval_options, loadings),
         .help = "--roles: through which later readers the effects of these edges, or the N largest, "
                 "pass"},
        {0, "split-input", NULL, HAP_FLAG, offsetof(struct hap_eval_options, split_input),
         .help = "with a task: make token and position embeddings two writers"},
        {0, "experts", NULL, HAP_FLAG, offsetof(struct hap_eval_options, experts),
         .help = "with a task: make each expert of a mixture a node instead of the MLP"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-eval",
        .summary = "measure how well circuits perform a task",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY | HAP_USES_LAYERS,
        .options = options,
        .notes = "The input contains one task or cache, any number of circuits and, with --curve, of "
                 "scores.",
};

/* The first option that is given of those about metrics, or NULL. */
static const char *metric_option(const struct hap_eval_options *opt)
{
        const struct {
                bool given;
                const char *name;
        } all[] = {
                {opt->metrics, "metric"}, {opt->each, "per-example"},
                {opt->predictions, "predict"}, {opt->full, "full"},
                {opt->empty, "empty"}, {opt->complement, "complement"},
                {opt->curve.wanted, "curve"}, {opt->curve.sizes, "sizes"},
                {opt->curve.greedy, "greedy"}, {opt->curve.reference, "reference"},
                {opt->statistics.tests, "test"}, {opt->statistics.compare, "compare"},
                {opt->statistics.random, "random"},
        };

        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                if (all[i].given)
                        return all[i].name;
        return NULL;
}

/* --classes or --roles: the exit status. */
static int report_heads(struct hap_program *p, const struct hap_eval_options *opt)
{
        const char *other = opt->classes && opt->roles ? "classes" : metric_option(opt);
        size_t n;

        if (other)
                hap_die(p, HAP_EUSAGE, "--%s measures no metrics: it cannot be combined with --%s",
                        opt->roles ? "roles" : "classes", other);
        if (opt->roles && hap_mpi_layers_divided())
                hap_die(p, HAP_EUSAGE, "--roles does not run with --layers-over-ranks");
        if (opt->roles)
                return hap_program_end(p, hap_role_report(p, opt), "examples");
        hap_must(p, hap_class_report(p, opt->classes, &opt->names, opt->keep_dead, &n));
        return hap_program_end(p, n, "circuits");
}

int main(int argc, char **argv)
{
        struct hap_eval_options opt = {.statistics = HAP_STATISTICS_DEFAULTS};
        struct hap_program p;
        struct hap_evaluating e = {.p = &p, .opt = &opt};
        size_t done;

        hap_program_begin(&p, &info, argc, argv, &opt);
        if (opt.loadings && !opt.roles)
                hap_die(&p, HAP_EUSAGE, "--loadings needs --roles");
        if (opt.classes || opt.roles)
                return report_heads(&p, &opt);
        hap_must(&p, hap_statistics_check(&opt.statistics, &p.error));
        hap_must(&p, hap_curves_init(&e.curves, &opt.curve, &p.error));
        opt.metrics = opt.curve.wanted && !opt.metrics ? "logit-diff" : opt.metrics;
        hap_must(&p, hap_metric_list_parse(opt.metrics, &e.metrics, &p.error));
        if (!opt.metrics && opt.full && opt.empty) /* both are run anyway */
                hap_metric_list_add(&e.metrics, &hap_metric_faithfulness);
        hap_evaluation_init(&e.evaluation, &e.metrics);
        hap_evaluating_read(&e);
        e.statistics = (struct hap_statistics){.options = &opt.statistics,
                                               .evaluation = &e.evaluation,
                                               .circuits = &e.inputs.circuits,
                                               .keep_dead = opt.keep_dead,
                                               .metrics_given = opt.metrics != NULL};
        hap_evaluating_add_circuits(&e);
        hap_must(&p, hap_statistics_begin(&e.statistics, &e.inputs.engine.graph, &p.error));
        hap_evaluating_run(&e);
        hap_must(&p, hap_statistics_finish(&e.statistics, &p.error));
        hap_evaluating_write(&e);
        done = e.evaluation.n;
        hap_statistics_release(&e.statistics);
        hap_curves_release(&e.curves);
        hap_evaluation_release(&e.evaluation);
        hap_inputs_release(&e.inputs);
        return hap_program_end(&p, done, "examples");
}
