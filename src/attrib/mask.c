#include "attrib/mask.h"

#include <math.h>
#include <stdlib.h>

#include "forward/masked.h"
#include "forward/parallel.h"

/* Edges removed between two calls of progress. */
#define EDGES_AT_ONCE 256

/* A masked run of batch b, with the same z for all its prompts. */
static int run_masked(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
                      struct hap_scratch *scratch, size_t b, const float *z, const bool *wanted,
                      struct hap_batch *batch, struct hap_masked *run)
{
        const size_t begin = prompts->batches.start[b];
        const int n = (int)(prompts->batches.start[b + 1] - begin);
        const float **masks = hap_scratch_alloc(scratch, HAP_BATCH_PROMPTS, sizeof *masks);
        int rc;

        if (!masks)
                return scratch->error.code;
        for (int i = 0; i < n; i++)
                masks[i] = z;
        *run = (struct hap_masked){.z = masks, .wanted = wanted, .bf16 = attrib->options.bf16};
        rc = hap_batch_init(batch, scratch, prompts->pointers + begin, n, true);
        return rc < 0 ? rc : hap_masked_forward(scratch, batch, run);
}

/* The loss summed over the batch, and its gradient unless d_logits is NULL. */
static int batch_loss(const struct hap_attrib *attrib, const struct hap_example *examples,
                      struct hap_scratch *scratch, const struct hap_batch *batch,
                      const float *logits, float *d_logits, double *loss)
{
        const size_t n_out = (size_t)scratch->engine->model->config.n_out;

        *loss = 0;
        for (int i = 0; i < batch->n; i++) {
                const size_t at = (size_t)batch->answers.start[i] * n_out;
                const double one = hap_metric_loss(attrib->options.metric, batch->prompts[i],
                                                   examples + i, (int)n_out, logits + at,
                                                   d_logits ? d_logits + at : NULL);

                if (!isfinite(one))
                        return hap_attrib_not_finite(scratch, examples + i);
                *loss += one;
        }
        return HAP_OK;
}

/* --- mask-gradient --- */

static int score_mask_batch(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                            size_t b, struct hap_scratch *scratch, const void *context,
                            float *out)
{
        const struct hap_example *examples = prompts->examples + prompts->batches.start[b];
        const size_t n_out = (size_t)scratch->engine->model->config.n_out;
        const size_t n_edges = scratch->engine->graph.n_edges;
        const float *z = attrib->options.z ? attrib->options.z : attrib->ones;
        struct hap_batch batch;
        struct hap_masked run;
        float *d_logits;
        double loss;
        int rc = run_masked(attrib, prompts, scratch, b, z, attrib->wanted, &batch, &run);

        (void)context;
        if (rc < 0)
                return rc;
        d_logits = hap_scratch_alloc(scratch, (size_t)batch.answers.n * n_out, sizeof *d_logits);
        if (!d_logits)
                return scratch->error.code;
        rc = batch_loss(attrib, examples, scratch, &batch, run.logits, d_logits, &loss);
        if (rc < 0 || (rc = hap_masked_backward(scratch, &batch, &run, d_logits, out)) < 0)
                return rc;
        for (size_t e = 0; e < n_edges; e++) {
                if (!isfinite(out[e]))
                        return hap_attrib_not_finite(scratch, examples);
                out[e] = -out[e];
        }
        return HAP_OK;
}

int hap_method_mask_gradient(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                             struct hap_error *err)
{
        return hap_attrib_batches(attrib, prompts, score_mask_batch, NULL, err);
}

/* --- exact --- */

struct removals {
        const struct hap_attrib *attrib;
        const struct hap_prompts *prompts;
        size_t batch;
        size_t begin;   /* the edge of job 0 */
        double *losses; /* [n_edges + 1]: without each edge, then of the full model */
};

/* Job i removes edge begin + i from the batch; edge n_edges removes none. */
static int remove_one_edge(void *context, struct hap_scratch *scratch, size_t i)
{
        const struct removals *jobs = context;
        const struct hap_prompts *prompts = jobs->prompts;
        const size_t n_edges = scratch->engine->graph.n_edges, edge = jobs->begin + i;
        float *z = hap_scratch_alloc(scratch, n_edges, sizeof *z);
        struct hap_batch batch;
        struct hap_masked run;
        int rc;

        if (!z)
                return scratch->error.code;
        for (size_t e = 0; e < n_edges; e++)
                z[e] = e != edge;
        rc = run_masked(jobs->attrib, prompts, scratch, jobs->batch, z, NULL, &batch, &run);
        if (rc < 0)
                return rc;
        return batch_loss(jobs->attrib, prompts->examples + prompts->batches.start[jobs->batch],
                          scratch, &batch, run.logits, NULL, jobs->losses + edge);
}

static int remove_every_edge(struct removals *jobs, struct hap_error *err)
{
        const struct hap_attrib *attrib = jobs->attrib;
        const size_t jobs_per_batch = attrib->engine->graph.n_edges + 1;
        int rc = HAP_OK;

        for (jobs->begin = 0; jobs->begin < jobs_per_batch && rc == 0;
             jobs->begin += EDGES_AT_ONCE) {
                const size_t left = jobs_per_batch - jobs->begin;

                rc = hap_parallel(attrib->engine, left < EDGES_AT_ONCE ? left : EDGES_AT_ONCE,
                                  remove_one_edge, jobs, err);
                if (attrib->progress)
                        attrib->progress(attrib->context,
                                         jobs->batch * jobs_per_batch + jobs->begin,
                                         jobs->prompts->batches.n * jobs_per_batch);
        }
        return rc;
}

int hap_method_exact(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                     struct hap_error *err)
{
        const size_t n = attrib->engine->graph.n_edges;
        struct removals jobs = {.attrib = attrib, .prompts = prompts};
        int rc = HAP_OK;

        jobs.losses = calloc(n + 1, sizeof *jobs.losses);
        if (!jobs.losses)
                return hap_fail_memory(err, "scores");
        for (; jobs.batch < prompts->batches.n && rc == 0; jobs.batch++) {
                rc = remove_every_edge(&jobs, err);
                for (size_t e = 0; e < n && rc == 0; e++)
                        attrib->sum[e] += jobs.losses[e] - jobs.losses[n];
        }
        free(jobs.losses);
        return rc;
}
