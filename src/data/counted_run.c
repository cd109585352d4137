#include "data/counted_run.h"

#include <stdlib.h>

#include "common/memory.h"
#include "data/batches.h"
#include "forward/attention.h"
#include "forward/full_run.h"
#include "forward/masked.h"

/* The allocations of a job besides those of its run: what writers output, gradients at the
 * readers, logits and their gradients. */
static void *take(struct hap_scratch *scratch, size_t n, size_t rows, size_t width)
{
        return hap_scratch_alloc(scratch, n * rows * width, sizeof(float));
}

/* For every layer the scores of all edges and the gradients of all patterns; once, the heads of a
 * layer whose inputs are changed. */
static int count_layers(struct hap_scratch *scratch, const struct hap_batch *batch)
{
        const struct hap_graph *graph = &scratch->engine->graph;
        const size_t layers = (size_t)graph->n_layers, d = (size_t)scratch->engine->model->config.d_model;
        struct hap_heads heads = {.n = graph->n_heads, .q_rows = &batch->rows,
                                  .n_kv = scratch->engine->model->config.n_kv_heads,
                                  .kv_rows = &batch->rows};

        take(scratch, layers, graph->n_edges, 1);
        for (int i = 0; i < batch->n; i++)
                take(scratch, layers * layers * (size_t)graph->n_heads,
                     (size_t)(batch->rows.start[i + 1] - batch->rows.start[i]),
                     (size_t)batch->prompts[i]->n_tokens);
        take(scratch, 4, (size_t)batch->rows.n, d);
        return hap_heads_alloc(&heads, scratch, batch, true);
}

static int count_full(struct hap_scratch *scratch, const struct hap_batch *batch, bool gradients,
                      const struct hap_memory_arrays *arrays)
{
        const struct hap_graph *graph = &scratch->engine->graph;
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t out = (size_t)scratch->engine->model->config.n_out;
        const size_t rows = (size_t)batch->rows.n, answers = (size_t)batch->answers.n;
        struct hap_full_run run = {.gradients = gradients};
        float *gradient = NULL, *d_logits;
        int rc;

        run.outputs = take(scratch, (size_t)graph->n_writers, rows, d);
        if (gradients) {
                gradient = take(scratch, (size_t)graph->n_readers, rows, d);
                take(scratch, 1, answers, out); /* log-probabilities */
                take(scratch, arrays->outputs * (size_t)graph->n_writers, rows, d);
                if (arrays->layers && (rc = count_layers(scratch, batch)) < 0)
                        return rc;
        }
        rc = hap_full_forward(scratch, batch, &run);
        if (rc < 0 || !gradients)
                return rc;
        d_logits = take(scratch, 1, answers, out);
        return hap_full_backward(scratch, batch, &run, d_logits, gradient);
}

static int count_masked(struct hap_scratch *scratch, const struct hap_batch *batch,
                        const struct hap_counted_run *how)
{
        const size_t out = (size_t)scratch->engine->model->config.n_out;
        const bool gradients = how->runs == HAP_MEMORY_TRAINING;
        const float *z[HAP_BATCH_PROMPTS];
        float values[1]; /* never written */
        struct hap_masked run = {
                .z = z,
                .wanted = gradients && !how->counterfactuals ? how->wanted : NULL,
                .d_counterfactual = gradients && how->counterfactuals ? values : NULL,
        };
        float *d_logits;
        int rc;

        for (size_t i = 0; i < how->n; i++)
                z[i] = how->z;
        rc = hap_masked_forward(scratch, batch, &run);
        if (rc < 0 || !gradients)
                return rc;
        d_logits = take(scratch, 1, (size_t)batch->answers.n, out);
        return hap_masked_backward(scratch, batch, &run, d_logits, values);
}

static int count_batch(struct hap_scratch *scratch, const struct hap_counted_run *how,
                       const uint8_t *position)
{
        static const int32_t tokens[1]; /* not read, nor are keys and residual */
        static float prepared[1];
        struct hap_prompt prompts[HAP_BATCH_PROMPTS];
        const struct hap_prompt *pointers[HAP_BATCH_PROMPTS];
        const bool full = how->runs == HAP_MEMORY_FULL || how->runs == HAP_MEMORY_GRADIENTS;
        struct hap_batch batch;
        int rc;

        for (size_t i = 0; i < how->n; i++) {
                prompts[i] = (struct hap_prompt){
                        .n_tokens = (int)how->tokens,
                        .first = (int)(how->tokens - how->rows),
                        .answer_first = (int)(how->tokens - how->positions),
                        .n_answer_positions = (int)how->positions,
                        .position = position,
                        .counterfactual = {.ablation = how->ablation,
                                           .tokens = how->remade && !full ? tokens : NULL},
                        .residual = prepared,
                };
                pointers[i] = prompts + i;
        }
        rc = hap_batch_init(&batch, scratch, pointers, (int)how->n,
                            how->runs != HAP_MEMORY_FULL && !how->all_rows);
        if (rc < 0)
                return rc;
        return full ? count_full(scratch, &batch, how->runs == HAP_MEMORY_GRADIENTS, &how->arrays)
                    : count_masked(scratch, &batch, how);
}

size_t hap_counted_run_bytes(const struct hap_counted_run *run, const struct hap_model *model,
                             const struct hap_graph *graph)
{
        const struct hap_engine engine = {.model = (struct hap_model *)model, .graph = *graph};
        uint8_t *position = calloc(run->tokens, sizeof *position);
        struct hap_scratch scratch;
        size_t bytes = HAP_UNCOUNTED;

        if (!position)
                hap_memory_short();
        hap_scratch_init(&scratch, &engine);
        scratch.counting = true;
        if (position && count_batch(&scratch, run, graph->positions.n ? position : NULL) == HAP_OK)
                bytes = scratch.peak;
        hap_scratch_release(&scratch);
        free(position);
        return bytes;
}
