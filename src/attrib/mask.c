#include "attrib/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forward/masked.h"
#include "forward/parallel.h"

/* Edges removed between two calls of progress. */
#define EDGES_AT_ONCE 256

/* A masked run of batch b, with the same z ([n_edges]) for all its prompts. */
static int run_batch(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
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

/* The loss summed over the batch, and its gradient ([answers][n_out]) unless d_logits is NULL.
 * HAP_EINPUT: the loss of an example is not a number (the message names it). */
static int sum_losses(const struct hap_attrib *attrib, const struct hap_example *examples,
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

int hap_mask_slope(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_scratch *scratch, size_t b, const float *z, float *d_z)
{
        const struct hap_example *examples = prompts->examples + prompts->batches.start[b];
        const size_t n_out = (size_t)scratch->engine->model->config.n_out;
        const size_t mark = scratch->used;
        struct hap_batch batch;
        struct hap_masked run;
        float *d_logits;
        double loss;
        int rc = run_batch(attrib, prompts, scratch, b, z, attrib->wanted, &batch, &run);

        if (rc < 0)
                return rc;
        d_logits = hap_scratch_alloc(scratch, (size_t)batch.answers.n * n_out, sizeof *d_logits);
        if (!d_logits)
                return scratch->error.code;
        rc = sum_losses(attrib, examples, scratch, &batch, run.logits, d_logits, &loss);
        if (rc < 0 || (rc = hap_masked_backward(scratch, &batch, &run, d_logits, d_z)) < 0)
                return rc;
        for (size_t e = 0; e < scratch->engine->graph.n_edges; e++)
                if (!isfinite(d_z[e]))
                        return hap_attrib_not_finite(scratch, examples);
        scratch->used = mark;
        return HAP_OK;
}

static int score_mask_batch(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                            size_t b, struct hap_scratch *scratch, const void *context,
                            float *out)
{
        const float *z = attrib->options.z ? attrib->options.z : attrib->ones;
        int rc = hap_mask_slope(attrib, prompts, scratch, b, z, out);

        (void)context;
        for (size_t e = 0; e < scratch->engine->graph.n_edges; e++)
                out[e] = -out[e];
        return rc;
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
        size_t begin;   /* the edge or node of job 0 */
        const float *cut; /* [n_edges]: edges with a value above 0 are cut in all runs; or NULL */
        double *losses; /* [n_scores + 1]: without each edge or node, then of the full model */
};

/* Job i removes edge begin + i from the batch, or all edges from node begin + i; after the last
 * it removes none. */
static int remove_one(void *context, struct hap_scratch *scratch, size_t i)
{
        const struct removals *jobs = context;
        const struct hap_prompts *prompts = jobs->prompts;
        const struct hap_graph *graph = &scratch->engine->graph;
        const size_t n_edges = graph->n_edges, which = jobs->begin + i;
        float *z = hap_scratch_alloc(scratch, n_edges, sizeof *z);
        struct hap_batch batch;
        struct hap_masked run;
        int rc;

        if (!z)
                return scratch->error.code;
        for (size_t e = 0; e < n_edges; e++)
                z[e] = (jobs->attrib->options.nodes ? hap_graph_edge_from(graph, e) : e) != which &&
                       !(jobs->cut && jobs->cut[e] > 0);
        rc = run_batch(jobs->attrib, prompts, scratch, jobs->batch, z, NULL, &batch, &run);
        if (rc < 0)
                return rc;
        return sum_losses(jobs->attrib, prompts->examples + prompts->batches.start[jobs->batch],
                          scratch, &batch, run.logits, NULL, jobs->losses + which);
}

static bool loss_of_removal(const void *context, size_t i, size_t k, struct hap_piece *piece)
{
        const struct removals *jobs = context;

        *piece = (struct hap_piece){jobs->losses + jobs->begin + i, sizeof *jobs->losses};
        return k == 0;
}

static int remove_each(struct removals *jobs, struct hap_error *err)
{
        const struct hap_attrib *attrib = jobs->attrib;
        const size_t jobs_per_batch = attrib->n_scores + 1;
        int rc = HAP_OK;

        for (jobs->begin = 0; jobs->begin < jobs_per_batch && rc == 0;
             jobs->begin += EDGES_AT_ONCE) {
                const size_t left = jobs_per_batch - jobs->begin;

                rc = hap_parallel(attrib->engine, left < EDGES_AT_ONCE ? left : EDGES_AT_ONCE,
                                  remove_one, loss_of_removal, jobs, err);
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
        const size_t n = attrib->n_scores;
        struct removals jobs = {.attrib = attrib, .prompts = prompts};
        int rc = HAP_OK;

        jobs.losses = calloc(n + 1, sizeof *jobs.losses);
        if (!jobs.losses)
                return hap_fail_memory(err, "scores");
        for (; jobs.batch < prompts->batches.n && rc == 0; jobs.batch++) {
                rc = remove_each(&jobs, err);
                for (size_t i = 0; i < n && rc == 0; i++)
                        attrib->row[i] = jobs.losses[i] - jobs.losses[n];
                if (rc == 0)
                        rc = hap_attrib_take(attrib, prompts, jobs.batch, err);
        }
        free(jobs.losses);
        return rc;
}

/* --- growth --- */

/* Sets attrib->row to the growth for the batch. Of an edge that is cut anyway there is none. */
static int score_growth(struct hap_attrib *attrib, struct removals *jobs, double *alone,
                        struct hap_error *err)
{
        const size_t n = attrib->n_scores;
        double *cut = jobs->losses;
        int rc;

        memset(alone, 0, (n + 1) * sizeof *alone);
        memset(cut, 0, (n + 1) * sizeof *cut);
        jobs->cut = NULL;
        jobs->losses = alone;
        rc = remove_each(jobs, err);
        jobs->cut = attrib->options.z;
        jobs->losses = cut;
        if (rc == 0)
                rc = remove_each(jobs, err);
        for (size_t i = 0; i < n && rc == 0; i++)
                attrib->row[i] = (cut[i] - cut[n]) - (alone[i] - alone[n]);
        for (size_t e = 0; e < n && rc == 0 && !attrib->options.nodes; e++)
                if (jobs->cut[e] > 0)
                        attrib->row[e] = 0;
        return rc;
}

int hap_method_growth(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                      struct hap_error *err)
{
        const size_t n = attrib->n_scores;
        struct removals jobs = {.attrib = attrib, .prompts = prompts};
        double *alone = calloc(n + 1, sizeof *alone);
        int rc = HAP_OK;

        jobs.losses = calloc(n + 1, sizeof *jobs.losses);
        if (!jobs.losses || !alone)
                rc = hap_fail_memory(err, "scores");
        for (; jobs.batch < prompts->batches.n && rc == 0; jobs.batch++) {
                rc = score_growth(attrib, &jobs, alone, err);
                if (rc == 0)
                        rc = hap_attrib_take(attrib, prompts, jobs.batch, err);
        }
        free(jobs.losses);
        free(alone);
        return rc;
}
