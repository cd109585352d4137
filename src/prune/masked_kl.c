#include "prune/masked_kl.h"

#include <math.h>
#include <stdlib.h>

#include "common/number.h"
#include "forward/parallel.h"
#include "forward/masked.h"

void hap_masked_kl_init(struct hap_masked_kl *masked_kl, const struct hap_engine *engine,
                        const struct hap_prompts *prompts)
{
        *masked_kl = (struct hap_masked_kl){.engine = engine, .prompts = prompts};
}

void hap_masked_kl_release(struct hap_masked_kl *masked_kl)
{
        free(masked_kl->partial);
        *masked_kl = (struct hap_masked_kl){0};
}

/* How one call is split into jobs of consecutive runs. */
struct plan {
        struct hap_masked_kl *masked_kl;
        const struct hap_runs *runs;
        size_t per_job, group, jobs_per_group;
        double *kl;
        size_t gradient; /* the gradient's numbers; 0: no gradient is wanted */
};

static struct plan plan_of(struct hap_masked_kl *masked_kl, const struct hap_runs *runs,
                           double *kl, bool gradient)
{
        struct plan plan = {.masked_kl = masked_kl, .runs = runs, .kl = kl};

        plan.group = runs->slope ? 1 : runs->group ? runs->group : runs->n;
        plan.per_job = hap_prompts_per_job(runs->n / plan.group, plan.group,
                                           hap_prompts_per_batch(masked_kl->prompts));
        plan.jobs_per_group = (plan.group + plan.per_job - 1) / plan.per_job;
        if (gradient && runs->want_counterfactual)
                plan.gradient = (size_t)masked_kl->engine->graph.n_writers *
                                (size_t)masked_kl->engine->model->config.d_model;
        else if (gradient && runs->wanted)
                plan.gradient = masked_kl->engine->graph.n_edges;
        return plan;
}

static size_t n_jobs(const struct plan *plan)
{
        size_t groups = (plan->runs->n + plan->group - 1) / plan->group;

        return groups * plan->jobs_per_group;
}

/* The runs [*begin, *end) of a job. The last group may be shorter: its last jobs are empty. */
static void job_range(const struct plan *plan, size_t job, size_t *begin, size_t *end)
{
        size_t start = job / plan->jobs_per_group * plan->group;
        size_t stop = start + plan->group;

        if (stop > plan->runs->n)
                stop = plan->runs->n;
        *begin = start + job % plan->jobs_per_group * plan->per_job;
        *end = *begin + plan->per_job;
        if (*begin > stop)
                *begin = stop;
        if (*end > stop)
                *end = stop;
}

static double cost_of_avoided(const struct plan *plan, size_t run)
{
        const struct hap_masked_kl *m = plan->masked_kl;
        double sum = 0;

        if (!m->avoid)
                return 0;
        for (size_t e = 0; e < m->engine->graph.n_edges; e++)
                sum += (double)m->avoid[e] * (double)plan->runs->z[run][e];
        return m->cost * sum;
}

/* Sets the KL of a batch's runs and, unless d_logits is NULL, their gradients by logits. */
static int kl_of_batch(const struct plan *plan, struct hap_scratch *scratch,
                       const struct hap_batch *batch, size_t begin, const float *logits,
                       float *d_logits)
{
        const struct hap_prompts *prompts = plan->masked_kl->prompts;
        const struct hap_metric *metric = plan->masked_kl->metric ? plan->masked_kl->metric
                                                                  : &hap_metric_kl;
        int n_out = scratch->engine->model->config.n_out;

        for (int i = 0; i < batch->n; i++) {
                size_t prompt = plan->runs->which[begin + (size_t)i];
                size_t at = (size_t)batch->answers.start[i] * (size_t)n_out;
                double kl = hap_metric_loss(metric, batch->prompts[i],
                                            &prompts->examples[prompt], n_out, logits + at,
                                            d_logits ? d_logits + at : NULL);

                if (!isfinite(kl))
                        return hap_fail(&scratch->error, HAP_EINPUT,
                                        "the %s of prompt %zu ('%s') is not a finite number",
                                        metric == &hap_metric_kl ? "KL" : metric->name,
                                        prompt + 1, prompts->examples[prompt].id);
                plan->kl[begin + (size_t)i] = kl + cost_of_avoided(plan, begin + (size_t)i);
        }
        return HAP_OK;
}

static int run_job(void *context, struct hap_scratch *scratch, size_t job)
{
        const struct plan *plan = context;
        const struct hap_runs *runs = plan->runs;
        struct hap_masked run = {.z = NULL};
        const struct hap_prompt **prompts;
        struct hap_batch batch;
        float *d_logits = NULL, *partial = NULL;
        size_t begin, end;
        int rc;

        if (plan->gradient)
                partial = plan->masked_kl->partial + job * plan->gradient;
        if (partial && runs->want_counterfactual)
                run.d_counterfactual = partial;
        else if (partial)
                run.wanted = runs->wanted;

        job_range(plan, job, &begin, &end);
        prompts = hap_scratch_alloc(scratch, end - begin + 1, sizeof *prompts);
        if (!prompts)
                return scratch->error.code;
        for (size_t i = begin; i < end; i++)
                prompts[i - begin] = plan->masked_kl->prompts->pointers[runs->which[i]];
        if (begin == end)
                return HAP_OK;
        rc = hap_batch_init(&batch, scratch, prompts, (int)(end - begin), true);
        if (rc < 0)
                return rc;
        run.z = runs->z + begin;
        run.bf16 = plan->masked_kl->bf16 && partial; /* other runs judge circuits */
        rc = hap_masked_forward(scratch, &batch, &run);
        if (rc < 0)
                return rc;
        if (partial) {
                d_logits = hap_scratch_alloc(scratch, (size_t)batch.answers.n *
                                         (size_t)scratch->engine->model->config.n_out,
                                         sizeof *d_logits);
                if (!d_logits)
                        return scratch->error.code;
        }
        rc = kl_of_batch(plan, scratch, &batch, begin, run.logits, d_logits);
        if (rc < 0 || !partial)
                return rc;
        return hap_masked_backward(scratch, &batch, &run, d_logits,
                                   runs->want_counterfactual ? NULL : partial);
}

/* The KL of the job's runs, and their gradient. */
static bool job_piece(const void *context, size_t job, size_t k, struct hap_piece *piece)
{
        const struct plan *plan = context;
        size_t begin, end;

        job_range(plan, job, &begin, &end);
        if (k == 0)
                *piece = (struct hap_piece){plan->kl + begin, (end - begin) * sizeof *plan->kl};
        else
                *piece = (struct hap_piece){plan->masked_kl->partial + job * plan->gradient,
                                            plan->gradient * sizeof(float)};
        return begin < end && k < (plan->gradient ? 2 : 1);
}

static int grow_partial(struct hap_masked_kl *masked_kl, size_t n, struct hap_error *err)
{
        float *more;

        if (n <= masked_kl->n_partial)
                return HAP_OK;
        more = realloc(masked_kl->partial, n * sizeof *more);
        if (!more)
                return hap_fail_memory(err, "gradients");
        masked_kl->partial = more;
        masked_kl->n_partial = n;
        return HAP_OK;
}

/* The derivative by edge e of what a run costs beside KL. */
static double cost_slope(const struct plan *plan, size_t e)
{
        const struct hap_masked_kl *m = plan->masked_kl;

        return m->avoid && plan->runs->wanted && plan->runs->wanted[e]
                       ? m->cost * (double)m->avoid[e] : 0;
}

/* Sums the jobs' gradients in the order of the jobs, whichever thread ran them. */
static void sum_gradients(const struct plan *plan, size_t jobs, float *gradient)
{
        const float *const *slope = plan->runs->slope;

        for (size_t e = 0; gradient && e < plan->gradient; e++) {
                const double extra = cost_slope(plan, e);
                double sum = 0;

                for (size_t job = 0; job < jobs; job++) {
                        size_t begin, end;

                        job_range(plan, job, &begin, &end);
                        if (begin < end)
                                sum += ((double)plan->masked_kl->partial[job * plan->gradient + e] +
                                        extra * (double)(end - begin)) *
                                       (slope ? (double)slope[begin][e] : 1);
                }
                gradient[e] = (float)sum;
        }
}

int hap_masked_kl_run(struct hap_masked_kl *masked_kl, const struct hap_runs *runs, double *kl,
                      float *gradient, struct hap_error *err)
{
        struct plan plan = plan_of(masked_kl, runs, kl, gradient != NULL);
        size_t jobs = n_jobs(&plan);
        int rc = grow_partial(masked_kl, jobs * plan.gradient, err);

        if (rc == HAP_OK)
                rc = hap_parallel(masked_kl->engine, jobs, run_job, job_piece, &plan, err);
        if (rc < 0)
                return rc;
        if (plan.gradient)
                sum_gradients(&plan, jobs, gradient);
        masked_kl->runs += (double)runs->n * (plan.gradient ? 1 : 0.5);
        return HAP_OK;
}

int hap_masked_kl_means(struct hap_masked_kl *masked_kl, size_t n, const float *z,
                        const uint32_t *which, size_t on, double *mean, struct hap_error *err)
{
        const size_t n_edges = masked_kl->engine->graph.n_edges, all = n * on;
        uint32_t *prompts = calloc(all, sizeof *prompts);
        const float **masks = calloc(all, sizeof *masks);
        double *kl = calloc(all, sizeof *kl);
        const struct hap_runs runs = {.n = all, .which = prompts, .z = masks, .group = on};
        int rc = prompts && masks && kl ? HAP_OK : hap_fail_memory(err, "circuits");

        for (size_t i = 0; i < all && rc == HAP_OK; i++) {
                prompts[i] = which[i % on];
                masks[i] = z + i / on * n_edges;
        }
        if (rc == HAP_OK)
                rc = hap_masked_kl_run(masked_kl, &runs, kl, NULL, err);
        for (size_t i = 0; i < n && rc == HAP_OK; i++) {
                mean[i] = 0;
                for (size_t j = 0; j < on; j++)
                        mean[i] += kl[i * on + j] / (double)on;
        }
        free(prompts);
        free(masks);
        free(kl);
        return rc;
}
