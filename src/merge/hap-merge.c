/* hap-merge: joins the results of the shards of a task. */
#include "common/program.h"
#include "merge/merge_kinds.h"
#include "merge/merge_report.h"

struct merge_options {
        struct hap_merge_report_options report;
        struct hap_count_or_percent level;
};

static const struct hap_option options[] = {
        {0, "resamples", "N", HAP_INT, offsetof(struct merge_options, report.intervals.resamples),
         .help = "reports: draw N bootstrap resamples for the intervals; 0: no intervals [10000]",
         .min = 0, .max = 1e6},
        {0, "level", "P%", HAP_PERCENT, offsetof(struct merge_options, level),
         .help = "reports: the level of the intervals [95%]"},
        {0, "seed", "N", HAP_INT, offsetof(struct merge_options, report.intervals.seed),
         .help = "reports: the seed of all random draws [0]", .min = 0, .max = 1e15},
        {0, "compare", NULL, HAP_FLAG, offsetof(struct merge_options, report.compare),
         .help = "reports: also compare every two circuits on the same examples, with p-values"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-merge",
        .summary = "join the results of the shards of a task",
        .operands = "[FILE ...]",
        .uses = HAP_USES_INPUT | HAP_USES_STREAM,
        .options = options,
        .notes = "The input contains sections of all shards that hap-task --shard made, in any\n"
                 "order. hap-attrib --merge combines scores by different methods instead.",
};

static void check_options(struct hap_program *p, struct merge_options *opt)
{
        struct hap_interval_options *intervals = &opt->report.intervals;

        if (opt->level.given)
                intervals->level = opt->level.value / 100;
        if (intervals->level <= 0 || intervals->level >= 1)
                hap_die(p, HAP_EUSAGE, "--level must be more than 0 %% and less than 100 %%");
        if (opt->report.compare && intervals->resamples == 0)
                hap_die(p, HAP_EUSAGE, "--compare needs resamples: --resamples must not be 0");
}

static void write_set(struct hap_program *p, const struct hap_shard_set *set,
                      const struct merge_options *opt)
{
        json_t *from = hap_shard_set_header(set), *header;
        const json_t *requires = json_object_get(from, "requires");

        if (!from)
                hap_die(p, HAP_ESYSTEM, "out of memory for a header");
        header = hap_program_header(p, set->kind->name, from);
        if (requires)
                json_object_set(header, "requires", (json_t *)requires);
        hap_must(p, set->kind->write(set, p->out, header, &opt->report, &p->error));
        json_decref(header);
        json_decref(from);
}

int main(int argc, char **argv)
{
        struct merge_options opt = {.report.intervals = {.resamples = 10000, .level = 0.95}};
        struct hap_shard_sets sets;
        struct hap_program p;
        size_t shards = 0;

        hap_program_begin(&p, &info, argc, argv, &opt);
        check_options(&p, &opt);
        hap_must(&p, hap_shard_sets_read(p.in, hap_merge_kinds, &sets, &p.error));
        for (size_t i = 0; i < sets.n; i++) {
                write_set(&p, sets.items + i, &opt);
                shards += sets.items[i].of;
        }
        hap_shard_sets_release(&sets);
        return hap_program_end(&p, shards, "sections");
}
