/* The statistics of a report: intervals, differences, spread over seeds, random circuits. Programs
 * take their options from here and call the functions in this order. */
#ifndef HAP_EVAL_STATISTICS_H
#define HAP_EVAL_STATISTICS_H

#include "common/number.h"
#include "common/options.h"
#include "data/inputs.h"
#include "eval/baseline.h"
#include "eval/circuit_tests.h"
#include "eval/intervals.h"

struct hap_statistics_options {
        bool compare;
        const char *tests; /* names of circuit tests, or NULL */
        int64_t random; /* random circuits of each kind for every circuit */
        struct hap_interval_options intervals;
        struct hap_count_or_percent level;
};

/* Rows of an option table; `field` of the program's struct `type` is a struct
 * hap_statistics_options. */
#define HAP_STATISTICS_OPTIONS(type, field)                                                       \
        {0, "compare", NULL, HAP_FLAG, offsetof(type, field.compare),                             \
         .help = "also compare every two circuits on the same examples, with p-values"},          \
        {0, "random", "N", HAP_INT, offsetof(type, field.random),                                 \
         "also evaluate N random circuits of the size of each circuit", .min = 1, .max = 10000},  \
        {0, "test", "A,B,...", HAP_TEXT, offsetof(type, field.tests),                             \
         .help = "test each circuit in these ways, or in all", .choice = hap_circuit_test_choice}, \
        {0, "resamples", "N", HAP_INT, offsetof(type, field.intervals.resamples),                 \
         "draw N bootstrap resamples for the intervals; 0: no intervals [10000]",                 \
         .min = 0, .max = 1e6},                                                                   \
        {0, "level", "P%", HAP_PERCENT, offsetof(type, field.level),                              \
         .help = "the level of the intervals [95%]"},                                             \
        {0, "seed", "N", HAP_INT, offsetof(type, field.intervals.seed),                           \
         "the seed of all random draws [0]", .min = 0, .max = 1e15}

/* The values of options that are not given. */
#define HAP_STATISTICS_DEFAULTS {.intervals = {.resamples = 10000, .level = 0.95}}

struct hap_statistics {
        const struct hap_statistics_options *options;
        struct hap_evaluation *evaluation;   /* borrowed */
        const struct hap_edges_list *circuits; /* those of the input, borrowed */
        struct hap_intervals intervals;
        struct hap_baseline baseline;
        bool keep_dead;
        bool metrics_given; /* then the first is that of the tests; else logit-diff, or KL if
                             * examples lack right or wrong answers */
        json_t *tests;      /* records, or NULL */
};

/* Checks the options together and sets intervals.level. HAP_EUSAGE: they exclude each other. */
int hap_statistics_check(struct hap_statistics_options *options, struct hap_error *err);

/* Once the evaluation has its circuits: draws random ones. */
int hap_statistics_begin(struct hap_statistics *statistics, const struct hap_graph *graph,
                         struct hap_error *err);
/* With every set of prompts, after the evaluation has run on it. With tests, all prompts must be
 * in the first set. */
int hap_statistics_run(struct hap_statistics *statistics, const struct hap_engine *engine,
                       const struct hap_prompts *prompts, struct hap_error *err);
/* After the last prompts: draws the resamples, which hap_evaluation_write then uses. */
int hap_statistics_finish(struct hap_statistics *statistics, struct hap_error *err);
/* After hap_evaluation_write: writes the records of seeds and differences. */
int hap_statistics_write(const struct hap_statistics *statistics,
                         const struct hap_metric_list *metrics, struct hap_stream_out *out,
                         struct hap_error *err);
void hap_statistics_release(struct hap_statistics *statistics);

#endif
