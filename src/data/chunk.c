#include "data/chunk.h"

#include <stdlib.h>

#include "forward/engine.h"

/* Reserves the outputs, n_writers × n_tokens × d_model, and the logits, n_positions × n_out,
 * of every example and both runs. The addresses also go to `outputs` and `logits`, [2][n]. */
static int place_results(struct hap_chunk *chunk, const struct hap_engine *engine,
                         void **outputs, float **logits, struct hap_error *err)
{
        const size_t n_out = (size_t)engine->model->config.n_out;
        const size_t width = (size_t)engine->graph.n_writers *
                             (size_t)engine->model->config.d_model;
        size_t needed = 0;
        float *at;

        for (size_t i = 0; i < chunk->n; i++)
                needed += 2 * (width * (size_t)chunk->examples[i].n_tokens +
                               n_out * (size_t)chunk->examples[i].n_answer_positions);
        if (needed > chunk->capacity) {
                free(chunk->values);
                chunk->values = calloc(needed, sizeof *chunk->values);
                chunk->capacity = chunk->values ? needed : 0;
        }
        if (!chunk->values)
                return hap_fail_memory(err, "outputs");
        at = chunk->values;
        for (size_t k = 0; k < 2 * chunk->n; k++) {
                /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): k is less than 2 n */
                const struct hap_example *example = chunk->examples + k % chunk->n;
                struct hap_run_values *result = chunk->results[k / chunk->n] + k % chunk->n;

                outputs[k] = at;
                result->outputs = at;
                at += width * (size_t)example->n_tokens;
                logits[k] = at;
                result->logits = at;
                at += n_out * (size_t)example->n_answer_positions;
        }
        return HAP_OK;
}

static int run_both(struct hap_chunk *chunk, const struct hap_engine *engine,
                    const struct hap_batches *batches, struct hap_error *err)
{
        void **outputs = calloc(2 * chunk->n, sizeof *outputs);
        float **logits = calloc(2 * chunk->n, sizeof *logits);
        int rc = outputs && logits ? HAP_OK : hap_fail_memory(err, "outputs");

        for (int side = 0; side < 2; side++) {
                free(chunk->results[side]);
                chunk->results[side] = calloc(chunk->n, sizeof *chunk->results[side]);
                if (!chunk->results[side])
                        rc = hap_fail_memory(err, "outputs");
        }
        if (rc == HAP_OK)
                rc = place_results(chunk, engine, outputs, logits, err);
        for (size_t side = 0; side < 2 && rc == HAP_OK; side++)
                rc = hap_run_examples(engine, chunk->examples, batches, side == 1, HAP_F32,
                                   outputs + side * chunk->n, logits + side * chunk->n, err);
        free(outputs);
        free(logits);
        return rc;
}

int hap_chunk_run(struct hap_chunk *chunk, const struct hap_engine *engine,
                  const struct hap_prompts *prompts, struct hap_error *err)
{
        chunk->examples = prompts->examples;
        chunk->n = prompts->n;
        return run_both(chunk, engine, &prompts->batches, err);
}

int hap_chunk_write(const struct hap_chunk *chunk, const struct hap_engine *engine,
                    enum hap_dtype dtype, struct hap_stream_out *out, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < chunk->n && rc == HAP_OK; i++)
                rc = hap_cache_write(out, engine, dtype, chunk->examples + i, chunk->results[0] + i,
                                     chunk->results[1] + i, err);
        return rc;
}

void hap_chunk_release(struct hap_chunk *chunk)
{
        free(chunk->values);
        free(chunk->results[0]);
        free(chunk->results[1]);
        *chunk = (struct hap_chunk){0};
}
