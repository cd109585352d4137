#include "eval/statistics.h"

#include "eval/paired.h"

int hap_statistics_check(struct hap_statistics_options *options, struct hap_error *err)
{
        struct hap_interval_options *intervals = &options->intervals;

        if (options->level.given)
                intervals->level = options->level.value / 100;
        if (intervals->level <= 0 || intervals->level >= 1)
                return hap_fail(err, HAP_EUSAGE,
                                "--level must be more than 0 %% and less than 100 %%");
        if (options->compare && intervals->resamples == 0)
                return hap_fail(err, HAP_EUSAGE,
                                "--compare needs resamples: --resamples must not be 0");
        return HAP_OK;
}

int hap_statistics_begin(struct hap_statistics *statistics, const struct hap_graph *graph,
                         bool keep_dead, struct hap_error *err)
{
        const struct hap_statistics_options *options = statistics->options;

        return hap_baseline_init(&statistics->baseline, statistics->evaluation, graph,
                                 (size_t)options->random, (uint64_t)options->intervals.seed,
                                 keep_dead, err);
}

int hap_statistics_run(struct hap_statistics *statistics, const struct hap_engine *engine,
                       const struct hap_prompts *prompts, struct hap_error *err)
{
        return hap_evaluation_run(&statistics->baseline.evaluation, engine, prompts, err);
}

int hap_statistics_finish(struct hap_statistics *statistics, struct hap_error *err)
{
        const struct hap_statistics_options *options = statistics->options;
        int rc;

        if (options->intervals.resamples == 0)
                return HAP_OK;
        rc = hap_intervals_init(&statistics->intervals, statistics->evaluation,
                                &options->intervals, options->compare, err);
        if (rc == 0)
                statistics->evaluation->intervals = &statistics->intervals;
        return rc;
}

int hap_statistics_write(const struct hap_statistics *statistics,
                         const struct hap_metric_list *metrics, struct hap_stream_out *out,
                         struct hap_error *err)
{
        int rc = hap_seeds_write(statistics->evaluation, statistics->circuits->items,
                                 statistics->circuits->n, metrics, out, err);

        if (rc == 0)
                rc = hap_baseline_write(&statistics->baseline, statistics->evaluation, metrics, out,
                                        err);
        if (rc == 0 && statistics->options->compare)
                rc = hap_paired_write(&statistics->intervals, metrics, out, err);
        return rc;
}

void hap_statistics_release(struct hap_statistics *statistics)
{
        hap_intervals_release(&statistics->intervals);
        hap_baseline_release(&statistics->baseline);
}
