/* Scores by masked runs: the gradient by the masks, and edges removed one by
 * one. */
#include <math.h>

#include "attrib/attrib.h"
#include "forward/masked.h"

static int not_finite(struct hap_scratch *work, const struct hap_example *example)
{
        return hap_fail(&work->error, HAP_EINPUT,
                        "cannot score example '%.200s': its scores are not finite", example->id);
}

/* A masked forward of batch b with the same z for all its prompts. */
static int run_masked(const struct hap_attrib_job *job, struct hap_scratch *work, size_t b,
                      const float *z, const bool *wanted, struct hap_batch *batch,
                      struct hap_masked *run)
{
        const struct hap_prompts *prompts = job->prompts;
        const size_t begin = prompts->batches.start[b];
        const int n = (int)(prompts->batches.start[b + 1] - begin);
        const float **masks = hap_scratch_alloc(work, HAP_BATCH_PROMPTS, sizeof *masks);
        int rc;

        if (!masks)
                return work->error.code;
        for (int i = 0; i < n; i++)
                masks[i] = z;
        *run = (struct hap_masked){.z = masks, .wanted = wanted};
        rc = hap_batch_init(batch, work, prompts->pointers + begin, n, true);
        return rc < 0 ? rc : hap_masked_forward(work, batch, run);
}

/* The batch's summed loss, and its gradient unless d_logits is NULL. */
static int batch_loss(const struct hap_attrib_job *job, struct hap_scratch *work, size_t b,
                      const struct hap_batch *batch, const float *logits, float *d_logits,
                      double *loss)
{
        const size_t n_out = (size_t)work->engine->model->config.n_out;
        const struct hap_example *examples = job->prompts->examples +
                                             job->prompts->batches.start[b];

        *loss = 0;
        for (int i = 0; i < batch->n; i++) {
                const size_t at = (size_t)batch->answers.start[i] * n_out;
                const double one = hap_loss(job->attrib->options.metric, batch->prompts[i],
                                            examples + i, (int)n_out, logits + at,
                                            d_logits ? d_logits + at : NULL);

                if (!isfinite(one))
                        return not_finite(work, examples + i);
                *loss += one;
        }
        return HAP_OK;
}

int hap_attrib_by_mask(void *context, struct hap_scratch *work, size_t b)
{
        const struct hap_attrib_job *job = context;
        const struct hap_attrib *attrib = job->attrib;
        const size_t n_out = (size_t)work->engine->model->config.n_out;
        const size_t n_edges = work->engine->graph.n_edges;
        const float *z = attrib->options.z ? attrib->options.z : attrib->ones;
        float *out = job->out + b * n_edges, *d_logits;
        struct hap_batch batch;
        struct hap_masked run;
        double loss;
        int rc = run_masked(job, work, b, z, attrib->wanted, &batch, &run);

        if (rc < 0)
                return rc;
        d_logits = hap_scratch_alloc(work, (size_t)batch.answers.n * n_out, sizeof *d_logits);
        if (!d_logits)
                return work->error.code;
        if ((rc = batch_loss(job, work, b, &batch, run.logits, d_logits, &loss)) < 0 ||
            (rc = hap_masked_backward(work, &batch, &run, d_logits, out)) < 0)
                return rc;
        for (size_t e = 0; e < n_edges; e++) {
                if (!isfinite(out[e]))
                        return not_finite(work, job->prompts->examples +
                                                        job->prompts->batches.start[b]);
                out[e] = -out[e];
        }
        return HAP_OK;
}

/* Job i removes edge begin + i from the job's batch; edge n_edges is none. */
int hap_attrib_by_removal(void *context, struct hap_scratch *work, size_t i)
{
        const struct hap_attrib_job *job = context;
        const size_t n_edges = work->engine->graph.n_edges, edge = job->begin + i;
        float *z = hap_scratch_alloc(work, n_edges, sizeof *z);
        struct hap_batch batch;
        struct hap_masked run;
        int rc;

        if (!z)
                return work->error.code;
        for (size_t e = 0; e < n_edges; e++)
                z[e] = e != edge;
        rc = run_masked(job, work, job->batch, z, NULL, &batch, &run);
        if (rc < 0)
                return rc;
        return batch_loss(job, work, job->batch, &batch, run.logits, NULL,
                          job->losses + edge);
}
