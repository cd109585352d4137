#include "attrib/attrib.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

const char *const hap_attrib_names[] = {
        "eap", "eap-ig-inputs", "clean-corrupted", "eap-ig-activations",
        "exact", "mask-gradient", NULL,
};

/* Edges removed between two calls of progress. */
#define EDGES_AT_ONCE 256

static bool by_gradient(enum hap_attrib_method method)
{
        return method != HAP_EXACT && method != HAP_MASK_GRADIENT;
}

int hap_attrib_init(struct hap_attrib *attrib, const struct hap_engine *engine,
                    const struct hap_attrib_options *options, struct hap_error *err)
{
        const size_t n = engine->graph.n_edges;

        *attrib = (struct hap_attrib){.engine = engine, .options = *options};
        if (options->metric == HAP_KL &&
            (options->method == HAP_EAP ||
             (options->method == HAP_MASK_GRADIENT && !options->z)))
                return hap_fail(err, HAP_EUSAGE,
                                "%s by KL is zero for every edge: the KL to the full model is "
                                "least at the full model, where its gradient is taken",
                                options->method == HAP_EAP ? "eap"
                                                           : "mask-gradient without a circuit");
        attrib->sum = calloc(n, sizeof *attrib->sum);
        attrib->ones = calloc(n, sizeof *attrib->ones);
        attrib->wanted = calloc(n, sizeof *attrib->wanted);
        if (!attrib->sum || !attrib->ones || !attrib->wanted) {
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
        free(attrib->ones);
        free(attrib->wanted);
        *attrib = (struct hap_attrib){0};
}

struct hap_prompts_options hap_attrib_prompts(const struct hap_attrib_options *options)
{
        const bool plain = by_gradient(options->method);

        return (struct hap_prompts_options){
                .ablation = options->ablation,
                /* under interchange runs begin where the prompts differ */
                .full_runs_only = plain && options->ablation != HAP_INTERCHANGE,
                .want_q = !plain,
                .want_log_p = !plain && options->metric == HAP_KL,
                .gradients = plain,
        };
}

struct hap_memory_estimate hap_attrib_needs(const struct hap_attrib_options *options, size_t most,
                                  size_t threads)
{
        struct hap_memory_estimate needs = hap_memory_within(&hap_memory_attrib, most, threads);

        needs.options = hap_attrib_prompts(options);
        if (options->method == HAP_EXACT)
                needs.runs = HAP_MEMORY_MASKED;
        else if (options->method == HAP_MASK_GRADIENT)
                needs.runs = HAP_MEMORY_TRAINING;
        return needs;
}

/* A logit difference is between answers and wrong ones; a difference of
 * probabilities makes sense with either; KL needs none. */
static const char *lacks(enum hap_metric metric, const struct hap_example *example)
{
        if (metric == HAP_KL)
                return NULL;
        if (!example->n_answers && (metric == HAP_LOGIT_DIFF || !example->n_wrongs))
                return "answers";
        return !example->n_wrongs && metric == HAP_LOGIT_DIFF ? "wrong answers" : NULL;
}

/* What scores the example all the same: KL, but not by eap, where it is always 0. */
static const char *instead(const struct hap_example *example)
{
        return example->n_answers || example->n_wrongs
                       ? "--metric prob-diff, or kl with an eap-ig method,"
                       : "--metric kl with an eap-ig method";
}

static int check_examples(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
                          struct hap_error *err)
{
        const enum hap_metric metric = attrib->options.metric;

        for (size_t i = 0; i < prompts->n; i++) {
                const char *what = lacks(metric, prompts->examples + i);

                if (what)
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot score example '%.200s': it has no %s, which %s "
                                        "needs; %s does without", prompts->examples[i].id, what,
                                        hap_metric_names[metric],
                                        instead(prompts->examples + i));
        }
        return HAP_OK;
}

static int add_batches(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                       size_t bytes, struct hap_error *err)
{
        const size_t n = attrib->engine->graph.n_edges, n_batches = prompts->batches.n;
        struct hap_attrib_job job = {.attrib = attrib, .prompts = prompts};
        int rc;

        job.out = calloc(n_batches, n * sizeof *job.out);
        if (!job.out)
                return hap_fail_memory(err, "scores");
        rc = hap_parallel(attrib->engine, n_batches, bytes,
                          by_gradient(attrib->options.method) ? hap_attrib_by_gradient
                                                              : hap_attrib_by_mask,
                          &job, err);
        for (size_t b = 0; b < n_batches && rc == 0; b++)
                for (size_t e = 0; e < n; e++)
                        attrib->sum[e] += (double)job.out[b * n + e];
        free(job.out);
        return rc;
}

/* Removes one edge after the other from a batch; job n_edges removes none. */
static int add_removals(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                        size_t bytes, struct hap_error *err)
{
        const size_t n = attrib->engine->graph.n_edges;
        struct hap_attrib_job job = {.attrib = attrib, .prompts = prompts};
        int rc = HAP_OK;

        job.losses = calloc(n + 1, sizeof *job.losses);
        if (!job.losses)
                return hap_fail_memory(err, "scores");
        for (; job.batch < prompts->batches.n && rc == 0; job.batch++) {
                for (job.begin = 0; job.begin <= n && rc == 0; job.begin += EDGES_AT_ONCE) {
                        size_t left = n + 1 - job.begin;

                        rc = hap_parallel(attrib->engine,
                                          left < EDGES_AT_ONCE ? left : EDGES_AT_ONCE, bytes,
                                          hap_attrib_by_removal, &job, err);
                        if (attrib->progress)
                                attrib->progress(attrib->context,
                                                 job.batch * (n + 1) + job.begin,
                                                 prompts->batches.n * (n + 1));
                }
                for (size_t e = 0; e < n && rc == 0; e++)
                        attrib->sum[e] += job.losses[e] - job.losses[n];
        }
        free(job.losses);
        return rc;
}

int hap_attrib_add(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err)
{
        const size_t bytes = hap_attrib_bytes(attrib, prompts);
        int rc = check_examples(attrib, prompts, err);

        if (rc == 0)
                rc = attrib->options.method == HAP_EXACT
                             ? add_removals(attrib, prompts, bytes, err)
                             : add_batches(attrib, prompts, bytes, err);
        if (rc == 0)
                attrib->n += prompts->n;
        return rc;
}

void hap_attrib_scores(const struct hap_attrib *attrib, double *score)
{
        for (size_t e = 0; e < attrib->engine->graph.n_edges; e++)
                score[e] = attrib->sum[e] / (double)attrib->n;
}
