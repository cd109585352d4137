#include "prune/masked_kl.h"

#include <math.h>
#include <stdlib.h>

#include "common/number.h"
#include "metric/metric.h"
#include "forward/masked.h"

void hap_measure_init(struct hap_measure *measure, const struct hap_engine *engine,
                      const struct hap_prompts *prompts)
{
        *measure = (struct hap_measure){.engine = engine, .prompts = prompts};
        for (size_t i = 0; i < prompts->n; i++) {
                size_t answers = (size_t)prompts->items[i].n_answer_positions;

                if (answers > measure->most_answers)
                        measure->most_answers = answers;
        }
}

void hap_measure_release(struct hap_measure *measure)
{
        free(measure->partial);
        *measure = (struct hap_measure){0};
}

/* One call's share of work, cut into jobs of consecutive runs. */
struct plan {
        struct hap_measure *measure;
        const struct hap_runs *runs;
        size_t per_job, group, jobs_per_group;
        double *kl;
        size_t gradient; /* its numbers, 0: none is wanted */
};

/* Jobs of half a batch keep many threads busy and pack weights some tenth more
 * often than whole ones; four jobs at least, where there are that many pairs of
 * runs, for one alone spends half its time on packing. The number of threads has no
 * say: sums would differ with it. */
static struct plan plan_of(struct hap_measure *measure, const struct hap_runs *runs,
                           double *kl, bool gradient)
{
        struct plan plan = {.measure = measure, .runs = runs, .kl = kl};
        const size_t most = hap_prompts_per_batch(measure->prompts);

        plan.group = runs->group ? runs->group : runs->n;
        if (runs->n >= 4 * plan.group)
                plan.per_job = hap_smaller(plan.group, most);
        else
                plan.per_job = hap_smaller(hap_larger((plan.group + 3) / 4, 2), (most + 1) / 2);
        plan.jobs_per_group = (plan.group + plan.per_job - 1) / plan.per_job;
        if (gradient && runs->sources)
                plan.gradient = (size_t)measure->engine->graph.n_writers *
                                (size_t)measure->engine->model->config.d_model;
        else if (gradient && runs->wanted)
                plan.gradient = measure->engine->graph.n_edges;
        return plan;
}

static size_t n_jobs(const struct plan *plan)
{
        size_t groups = (plan->runs->n + plan->group - 1) / plan->group;

        return groups * plan->jobs_per_group;
}

/* The runs [*begin, *end) of a job; empty in the last group's missing part. */
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

static int losses(const struct plan *plan, struct hap_scratch *work,
                  const struct hap_batch *batch, size_t begin,
                  const float *logits, float *d_logits)
{
        const struct hap_prompts *prompts = plan->measure->prompts;
        int n_out = work->engine->model->config.n_out;

        for (int i = 0; i < batch->n; i++) {
                size_t prompt = plan->runs->which[begin + (size_t)i];
                size_t at = (size_t)batch->answers.start[i] * (size_t)n_out;
                double kl = hap_metric_loss(&hap_metric_kl, batch->prompts[i],
                                            &prompts->examples[prompt], n_out, logits + at, d_logits ? d_logits + at : NULL);

                if (!isfinite(kl))
                        return hap_fail(&work->error, HAP_EINPUT,
                                        "the KL of prompt %zu ('%s') is not a finite number",
                                        prompt + 1, prompts->examples[prompt].id);
                plan->kl[begin + (size_t)i] = kl;
        }
        return HAP_OK;
}

static int run_job(void *context, struct hap_scratch *work, size_t job)
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
                partial = plan->measure->partial + job * plan->gradient;
        if (partial && runs->sources)
                run.d_counterfactual = partial;
        else if (partial)
                run.wanted = runs->wanted;

        job_range(plan, job, &begin, &end);
        prompts = hap_scratch_alloc(work, end - begin + 1, sizeof *prompts);
        if (!prompts)
                return work->error.code;
        for (size_t i = begin; i < end; i++)
                prompts[i - begin] = plan->measure->prompts->pointers[runs->which[i]];
        if (begin == end)
                return HAP_OK;
        rc = hap_batch_init(&batch, work, prompts, (int)(end - begin), true);
        if (rc < 0)
                return rc;
        run.z = runs->z + begin;
        rc = hap_masked_forward(work, &batch, &run);
        if (rc < 0)
                return rc;
        if (partial) {
                d_logits = hap_scratch_alloc(work, (size_t)batch.answers.n *
                                         (size_t)work->engine->model->config.n_out,
                                         sizeof *d_logits);
                if (!d_logits)
                        return work->error.code;
        }
        rc = losses(plan, work, &batch, begin, run.logits, d_logits);
        if (rc < 0 || !partial)
                return rc;
        return hap_masked_backward(work, &batch, &run, d_logits,
                                   runs->sources ? NULL : partial);
}

/* The scratch that any job of the plan needs. */
static size_t job_bytes(const struct plan *plan)
{
        const struct hap_measure *measure = plan->measure;
        size_t answers = plan->per_job * measure->most_answers;
        size_t bytes = hap_scratch_bytes(measure->engine, plan->per_job * measure->prompts->longest,
                                      measure->prompts->longest, answers, true,
                                      plan->gradient > 0);

        bytes += answers * (size_t)measure->engine->model->config.n_out * sizeof(float);
        return bytes + plan->per_job * sizeof(void *) + 4096;
}

static int reserve(struct hap_measure *measure, size_t n, struct hap_error *err)
{
        float *more;

        if (n <= measure->n_partial)
                return HAP_OK;
        more = realloc(measure->partial, n * sizeof *more);
        if (!more)
                return hap_fail_memory(err, "gradients");
        measure->partial = more;
        measure->n_partial = n;
        return HAP_OK;
}

/* In the order of jobs, whichever thread did them. */
static void add_up(const struct plan *plan, size_t jobs, float *gradient)
{
        for (size_t e = 0; e < plan->gradient; e++) {
                double sum = 0;

                for (size_t job = 0; job < jobs; job++) {
                        size_t begin, end;

                        job_range(plan, job, &begin, &end);
                        if (begin < end)
                                sum += (double)plan->measure->partial[job * plan->gradient + e];
                }
                gradient[e] = (float)sum;
        }
}

int hap_measure(struct hap_measure *measure, const struct hap_runs *runs,
                double *kl, float *gradient, struct hap_error *err)
{
        struct plan plan = plan_of(measure, runs, kl, gradient != NULL);
        size_t jobs = n_jobs(&plan);
        int rc = reserve(measure, jobs * plan.gradient, err);

        if (rc == HAP_OK)
                rc = hap_parallel(measure->engine, jobs, job_bytes(&plan), run_job, &plan, err);
        if (rc < 0)
                return rc;
        if (plan.gradient)
                add_up(&plan, jobs, gradient);
        measure->runs += (double)runs->n * (plan.gradient ? 1 : 0.5);
        return HAP_OK;
}
