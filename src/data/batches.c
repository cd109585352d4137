#include "data/batches.h"

#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "forward/full_run.h"
#include "forward/parallel.h"

size_t hap_batches_gradient_rows(const struct hap_graph *graph, int d_model)
{
        const size_t row = (size_t)graph->n_readers * (size_t)d_model * sizeof(float);
        const size_t fitting = ((size_t)256 << 20) / row + 1;

        return hap_min(fitting, HAP_BATCH_ROWS);
}

size_t hap_batches_prompts(size_t full_rows, size_t tokens)
{
        return hap_min((full_rows + tokens - 1) / tokens, HAP_BATCH_PROMPTS);
}

int hap_batches_add(struct hap_batches *batches, const struct hap_example *example,
                    size_t full_rows, struct hap_error *err)
{
        const size_t full = full_rows ? full_rows : HAP_BATCH_ROWS;
        const size_t tokens = (size_t)example->n_tokens;

        if (batches->n + 2 > batches->capacity) {
                size_t capacity = batches->capacity ? 2 * batches->capacity : 64;
                size_t *start = reallocarray(batches->start, capacity, sizeof *start);

                if (!start)
                        return hap_fail_memory(err, "batches");
                batches->start = start;
                batches->capacity = capacity;
        }
        if (!batches->open) {
                if (batches->n == 0)
                        batches->start[0] = 0;
                batches->start[batches->n + 1] = batches->start[batches->n];
                batches->n++;
                batches->rows = 0;
                batches->open = true;
        }
        batches->start[batches->n]++;
        batches->rows += tokens;
        if (batches->rows >= full ||
            batches->start[batches->n] - batches->start[batches->n - 1] >= HAP_BATCH_PROMPTS)
                batches->open = false;
        return HAP_OK;
}

bool hap_batches_have(const struct hap_batches *batches, size_t n)
{
        return n > 0 && batches->n >= n && !batches->open;
}

void hap_batches_release(struct hap_batches *batches)
{
        free(batches->start);
        *batches = (struct hap_batches){0};
}

struct hap_prompt hap_prompt_of(const struct hap_example *example, bool corrupted)
{
        return (struct hap_prompt){
                .n_tokens = example->n_tokens,
                .tokens = corrupted ? example->corrupted : example->clean,
                .answer_first = example->answer_first,
                .n_answer_positions = example->n_answer_positions,
                .depth = example->depth,
                .end = example->end,
        };
}

int hap_fail_beyond(struct hap_error *err, float value)
{
        return hap_fail(err, HAP_EINPUT, "cannot keep a writer's output of %g as f16: use f32",
                        (double)value);
}

struct run_job {
        const struct hap_example *examples;
        const struct hap_batches *batches;
        bool corrupted;
        enum hap_dtype dtype; /* of outputs */
        void *const *outputs;
        float *const *logits;
        size_t n_logits, n_outputs; /* bytes of an answer position, of a token */
};

/* Stores n values at to[at], in the dtype of `to`. */
static int store_values(enum hap_dtype dtype, const float *values, size_t n, void *to, size_t at,
                        struct hap_error *err)
{
        size_t fit;

        if (dtype == HAP_F32) {
                memcpy((float *)to + at, values, n * sizeof *values);
                return HAP_OK;
        }
        fit = hap_halves_of(dtype, values, n, (uint16_t *)to + at);
        return fit == n ? HAP_OK : hap_fail_beyond(err, values[fit]);
}

/* Copies all[w][row][d] to outputs[i][w][token][d]; the rows of prompt i follow those of prompt
 * i − 1. */
static int split_outputs(struct hap_scratch *scratch, const struct hap_batch *batch,
                         const float *all, const struct hap_example *examples, enum hap_dtype dtype,
                         void *const *outputs)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t rows = (size_t)batch->rows.n;
        int rc = HAP_OK;

        for (int i = 0; i < batch->n; i++) {
                const size_t n = (size_t)batch->prompts[i]->n_tokens * d;

                for (size_t w = 0; w < (size_t)scratch->engine->graph.n_writers && rc == 0; w++)
                        rc = store_values(dtype,
                                          all + (w * rows + (size_t)batch->rows.start[i]) * d, n,
                                          outputs[i], w * n, &scratch->error);
                if (rc < 0)
                        return hap_fail_within(&scratch->error, "prompt '%s'", examples[i].id);
        }
        return HAP_OK;
}

static void split_logits(const struct hap_engine *engine, const struct hap_batch *batch,
                         const float *all, float *const *logits)
{
        const size_t n = (size_t)engine->model->config.n_out;

        for (int i = 0; i < batch->n; i++)
                memcpy(logits[i], all + (size_t)batch->answers.start[i] * n,
                       (size_t)batch->prompts[i]->n_answer_positions * n * sizeof *all);
}

static int run_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct run_job *job = context;
        const size_t begin = job->batches->start[b];
        const size_t n = job->batches->start[b + 1] - begin;
        struct hap_prompt prompts[HAP_BATCH_PROMPTS];
        const struct hap_prompt *pointers[HAP_BATCH_PROMPTS];
        struct hap_full_run run = {0};
        struct hap_batch batch;
        int rc, bad;

        for (size_t i = 0; i < n; i++) {
                prompts[i] = hap_prompt_of(job->examples + begin + i, job->corrupted);
                pointers[i] = prompts + i;
        }
        rc = hap_batch_init(&batch, scratch, pointers, (int)n, !job->outputs);
        if (rc < 0)
                return rc;
        if (job->outputs) {
                size_t values =
                        (size_t)batch.rows.n * (size_t)scratch->engine->model->config.d_model;

                run.outputs = hap_scratch_alloc(scratch, (size_t)scratch->engine->graph.n_writers,
                                            values * sizeof(float));
                if (!run.outputs)
                        return scratch->error.code;
        }
        if ((rc = hap_full_forward(scratch, &batch, &run)) < 0)
                return rc;
        bad = hap_batch_not_finite(&batch, scratch->engine->model->config.n_out, run.logits);
        if (bad < batch.n)
                return hap_fail(&scratch->error, HAP_EINPUT,
                                "cannot use example '%.200s': its logits are not finite",
                                job->examples[begin + (size_t)bad].id);
        if (job->logits)
                split_logits(scratch->engine, &batch, run.logits, job->logits + begin);
        return job->outputs ? split_outputs(scratch, &batch, run.outputs, job->examples + begin,
                                             job->dtype, job->outputs + begin)
                              : HAP_OK;
}

/* The logits and the outputs of the batch's examples. */
static bool batch_piece(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct run_job *job = context;
        const size_t begin = job->batches->start[b], n = job->batches->start[b + 1] - begin;
        const bool logits = job->logits && k < n;
        const size_t i = begin + (job->logits && k >= n ? k - n : k);
        const struct hap_example *example = job->examples + i;

        if (job->batches->apart || (!logits && (!job->outputs || i >= begin + n)))
                return false;
        *piece = logits ? (struct hap_piece){job->logits[i],
                                             (size_t)example->n_answer_positions * job->n_logits}
                        : (struct hap_piece){job->outputs[i],
                                             (size_t)example->n_tokens * job->n_outputs};
        return true;
}

int hap_run_examples(const struct hap_engine *engine, const struct hap_example *examples,
                     const struct hap_batches *batches, bool corrupted, enum hap_dtype dtype,
                     void *const *outputs, float *const *logits, struct hap_error *err)
{
        const struct hap_config *config = &engine->model->config;
        const size_t writers = (size_t)engine->graph.n_writers;
        struct run_job job = {
                examples, batches, corrupted, dtype, outputs, logits,
                .n_logits = (size_t)config->n_out * sizeof(float),
                .n_outputs = writers * (size_t)config->d_model *
                             (dtype == HAP_F32 ? sizeof(float) : sizeof(uint16_t)),
        };

        return hap_parallel(engine, batches->n, run_batch, batch_piece, &job, err);
}
