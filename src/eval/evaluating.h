/* The work of hap-eval: every circuit and curve on every example. Errors end the program. */
#ifndef HAP_EVAL_EVALUATING_H
#define HAP_EVAL_EVALUATING_H

#include "common/program.h"
#include "data/inputs.h"
#include "eval/curve.h"
#include "eval/eval.h"
#include "eval/statistics.h"

struct hap_eval_options {
        const char *metrics, *classes;
        bool roles;           /* instead of metrics: see eval/role_report.h */
        const char *loadings; /* with roles: edges, or their number; NULL: none */
        int ablation;
        int64_t predictions; /* likeliest tokens of each example; 0: none */
        bool keep_dead, each, full, empty, complement, split_input, experts;
        struct hap_texts names;
        struct hap_statistics_options statistics;
        struct hap_curve_options curve;
};

struct hap_evaluating {
        struct hap_program *p;
        const struct hap_eval_options *opt;
        struct hap_inputs inputs;
        struct hap_metric_list metrics;
        struct hap_evaluation evaluation;
        struct hap_statistics statistics;
        struct hap_curves curves;
};

/* Reads the input up to the first examples. */
void hap_evaluating_read(struct hap_evaluating *e);
/* Adds everything that is run: the input's circuits and curves, full model and empty circuit. */
void hap_evaluating_add_circuits(struct hap_evaluating *e);
/* Runs all examples. */
void hap_evaluating_run(struct hap_evaluating *e);
/* Writes the report. */
void hap_evaluating_write(struct hap_evaluating *e);

#endif
