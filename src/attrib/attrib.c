#include "attrib/attrib.h"

#include <stdlib.h>
#include <string.h>

#include "forward/parallel.h"

/* Full runs with gradients, rather than masked runs. */
static bool by_gradient(const struct hap_method *method)
{
        return method->runs == HAP_MEMORY_GRADIENTS;
}

/* The metric compares with the full model, and the gradient is taken there. */
static bool is_always_zero(const struct hap_attrib_options *options)
{
        return (options->metric->needs & HAP_NEEDS_FULL_MODEL) &&
               (options->method->needs & HAP_NEEDS_SLOPE_AT_FULL_MODEL) && !options->z;
}

int hap_attrib_init(struct hap_attrib *attrib, const struct hap_engine *engine,
                    const struct hap_attrib_options *options, struct hap_error *err)
{
        const size_t n = engine->graph.n_edges;

        *attrib = (struct hap_attrib){.engine = engine, .options = *options};
        attrib->n_scores = options->nodes ? hap_graph_n_nodes(&engine->graph) : n;
        attrib->width = options->method->by_node ? attrib->n_scores : n;
        if (is_always_zero(options))
                return hap_fail(err, HAP_EUSAGE,
                                "%s%s by %s is zero for every edge: the gradient is taken at "
                                "the full model, where %s is least", options->method->name,
                                options->method->needs & HAP_NEEDS_CIRCUIT ? " without a circuit"
                                                                           : "",
                                options->metric->name, options->metric->name);
        attrib->sum = calloc(attrib->width, sizeof *attrib->sum);
        attrib->row = calloc(attrib->width, sizeof *attrib->row);
        attrib->scores = calloc(attrib->n_scores, sizeof *attrib->scores);
        attrib->ones = calloc(n, sizeof *attrib->ones);
        attrib->wanted = calloc(n, sizeof *attrib->wanted);
        if (!attrib->sum || !attrib->row || !attrib->scores || !attrib->ones || !attrib->wanted) {
                hap_attrib_release(attrib);
                return hap_fail_memory(err, "scores");
        }
        for (size_t e = 0; e < n; e++) {
                attrib->ones[e] = 1;
                attrib->wanted[e] = true;
        }
        return HAP_OK;
}

void hap_attrib_release(struct hap_attrib *attrib)
{
        free(attrib->sum);
        free(attrib->row);
        free(attrib->scores);
        free(attrib->ones);
        free(attrib->wanted);
        *attrib = (struct hap_attrib){0};
}

struct hap_prompts_options hap_attrib_prompts(const struct hap_attrib_options *options)
{
        const bool full_runs = by_gradient(options->method);

        return (struct hap_prompts_options){
                .ablation = options->ablation,
                /* with a corrupted prompt, runs begin where the two prompts differ */
                .full_runs_only = full_runs && (!options->ablation->per_prompt ||
                                                options->method->whole_prompts),
                .want_q = !full_runs,
                .want_log_p = !full_runs && (options->metric->needs & HAP_NEEDS_FULL_MODEL),
                .apart = full_runs,
                .gradients = full_runs,
                .single = options->single || options->method->single,
                .limit = options->prompts,
        };
}

struct hap_memory_estimate hap_attrib_memory(const struct hap_attrib_options *options,
                                             size_t max_bytes, size_t threads)
{
        struct hap_memory_estimate estimate = hap_memory_within(&hap_memory_attrib, max_bytes,
                                                                threads);

        estimate.options = hap_attrib_prompts(options);
        estimate.runs = options->method->runs;
        estimate.bf16 = options->bf16;
        estimate.all_rows = options->method->whole_prompts;
        estimate.arrays = options->method->memory;
        return estimate;
}

/* What can score the example instead. KL can, but not by eap, where it is always 0. */
static const char *alternative(const struct hap_example *example)
{
        return example->n_answers || example->n_wrongs
                       ? "--metric prob-diff, or kl with an eap-ig method"
                       : "--metric kl with an eap-ig method";
}

static int check_examples(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
                          struct hap_error *err)
{
        const struct hap_metric *metric = attrib->options.metric;

        if (attrib->options.method->needs & HAP_NEEDS_NO_LOSS)
                return HAP_OK;
        for (size_t i = 0; i < prompts->n; i++) {
                const struct hap_example *example = prompts->examples + i;
                const char *missing = hap_metric_missing(metric, example);

                if (hap_metric_check_whole(metric, example, err) < 0)
                        return err->code;
                if (missing)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot score example '%.200s': it has no %s, which %s "
                                        "needs; use %s", example->id, missing,
                                        metric->name, alternative(example));
        }
        return HAP_OK;
}

int hap_attrib_not_finite(struct hap_scratch *scratch, const struct hap_example *example)
{
        return hap_fail(&scratch->error, HAP_EINPUT,
                        "cannot score example '%.200s': its scores are not finite", example->id);
}

/* scores ([n_scores]) from [width]: for nodes the sums over the edges from them. */
static void reduce(const struct hap_attrib *attrib, const double *from, double *scores)
{
        const struct hap_graph *graph = &attrib->engine->graph;

        memset(scores, 0, attrib->n_scores * sizeof *scores);
        for (size_t i = 0; i < attrib->width; i++)
                scores[attrib->width == attrib->n_scores ? i : hap_graph_edge_from(graph, i)] +=
                        from[i];
}

int hap_attrib_take(struct hap_attrib *attrib, const struct hap_prompts *prompts, size_t b,
                    struct hap_error *err)
{
        for (size_t i = 0; i < attrib->width; i++)
                attrib->sum[i] += attrib->row[i];
        if (!attrib->each)
                return HAP_OK;
        reduce(attrib, attrib->row, attrib->scores);
        return attrib->each(attrib->each_context, prompts->examples + prompts->batches.start[b],
                            attrib->scores, err);
}

struct batch_jobs {
        struct hap_attrib *attrib;
        const struct hap_prompts *prompts;
        hap_attrib_batch *score;
        const void *context;
        float *out; /* [batches][width] */
};

static int score_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct batch_jobs *jobs = context;

        return jobs->score(jobs->attrib, jobs->prompts, b, scratch, jobs->context,
                           jobs->out + b * jobs->attrib->width);
}

static bool batch_scores(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct batch_jobs *jobs = context;
        const size_t n = jobs->attrib->width;

        *piece = (struct hap_piece){jobs->out + b * n, n * sizeof *jobs->out};
        return k == 0;
}

int hap_attrib_batches(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                       hap_attrib_batch *score, const void *context, struct hap_error *err)
{
        const size_t n = attrib->width, n_batches = prompts->batches.n;
        struct batch_jobs jobs = {attrib, prompts, score, context, NULL};
        int rc;

        jobs.out = calloc(n_batches, n * sizeof *jobs.out);
        if (!jobs.out)
                return hap_fail_memory(err, "scores");
        rc = hap_parallel(attrib->engine, n_batches, score_batch, batch_scores, &jobs, err);
        for (size_t b = 0; b < n_batches && rc == 0; b++) {
                for (size_t i = 0; i < n; i++)
                        attrib->row[i] = (double)jobs.out[b * n + i];
                rc = hap_attrib_take(attrib, prompts, b, err);
        }
        free(jobs.out);
        return rc;
}

int hap_attrib_add(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err)
{
        int rc = check_examples(attrib, prompts, err);

        if (rc == 0)
                rc = attrib->options.method->run(attrib, prompts, err);
        if (rc == 0)
                attrib->n += prompts->n;
        return rc;
}

void hap_attrib_scores(const struct hap_attrib *attrib, double *score)
{
        reduce(attrib, attrib->sum, score);
        for (size_t i = 0; i < attrib->n_scores; i++)
                score[i] /= (double)attrib->n;
}
