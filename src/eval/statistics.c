#include "eval/statistics.h"

#include "eval/paired.h"
#include "eval/record.h"

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
        return options->tests ? hap_circuit_tests_check(options->tests, err) : HAP_OK;
}

int hap_statistics_begin(struct hap_statistics *statistics, const struct hap_graph *graph,
                         struct hap_error *err)
{
        const struct hap_statistics_options *options = statistics->options;

        return hap_baseline_init(&statistics->baseline, statistics->evaluation, graph,
                                 (size_t)options->random, (uint64_t)options->intervals.seed,
                                 statistics->keep_dead, err);
}

static const struct hap_metric *test_metric(const struct hap_statistics *statistics)
{
        const struct hap_evaluation *evaluation = statistics->evaluation;

        if (statistics->metrics_given)
                return evaluation->measured.items[0];
        return evaluation->answers.n || evaluation->wrongs.n ? &hap_metric_kl
                                                             : &hap_metric_logit_diff;
}

static int run_tests(struct hap_statistics *statistics, const struct hap_engine *engine,
                     const struct hap_prompts *prompts, struct hap_error *err)
{
        const struct hap_interval_options *intervals = &statistics->options->intervals;
        const struct hap_evaluation *evaluation = statistics->evaluation;
        struct hap_circuit_testing t = {
                .engine = engine, .prompts = prompts, .metric = test_metric(statistics),
                .keep_dead = statistics->keep_dead, .seed = (uint64_t)intervals->seed,
                .alpha = 1 - intervals->level, .records = json_array()};
        int rc = HAP_OK;

        statistics->tests = t.records;
        for (size_t c = 0; c < evaluation->n_circuits && rc == 0; c++) {
                if (evaluation->circuits[c].role != HAP_A_CIRCUIT)
                        continue;
                t.name = evaluation->circuits[c].name;
                t.z = evaluation->circuits[c].z;
                rc = hap_circuit_tests_run(&t, statistics->options->tests, err);
        }
        return rc;
}

int hap_statistics_run(struct hap_statistics *statistics, const struct hap_engine *engine,
                       const struct hap_prompts *prompts, struct hap_error *err)
{
        int rc = hap_evaluation_run(&statistics->baseline.evaluation, engine, prompts, err);

        return rc == 0 && statistics->options->tests ? run_tests(statistics, engine, prompts, err)
                                                     : rc;
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
        for (size_t i = 0; i < json_array_size(statistics->tests) && rc == 0; i++)
                rc = hap_record_write(out, json_incref(json_array_get(statistics->tests, i)), err);
        return rc;
}

void hap_statistics_release(struct hap_statistics *statistics)
{
        hap_intervals_release(&statistics->intervals);
        hap_baseline_release(&statistics->baseline);
        json_decref(statistics->tests);
}
