#include "data/gates.h"

#include <string.h>

#include "forward/full_run.h"
#include "forward/parallel.h"

struct gates_job {
        const struct hap_prompts *prompts;
        const struct hap_engine *engine;
};

static size_t gates_bytes(const struct hap_engine *engine, const struct hap_prompt *prompt)
{
        const struct hap_config *config = &engine->model->config;

        return (size_t)config->n_layers * (size_t)prompt->n_tokens * (size_t)config->n_experts *
               sizeof(float);
}

/* The full model's run of a batch, from the first token on. Its own router chooses. */
static int run_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct gates_job *job = context;
        const size_t begin = job->prompts->batches.start[b];
        const size_t n = job->prompts->batches.start[b + 1] - begin;
        struct hap_prompt prompts[HAP_BATCH_PROMPTS];
        const struct hap_prompt *pointers[HAP_BATCH_PROMPTS] = {0};
        float *gates[HAP_BATCH_PROMPTS];
        struct hap_full_run run = {.gates = gates};
        struct hap_batch batch;
        int rc;

        for (size_t i = 0; i < n; i++) {
                gates[i] = job->prompts->items[begin + i].gates;
                prompts[i] = hap_prompt_of(job->prompts->examples + begin + i, false);
                pointers[i] = prompts + i;
        }
        rc = hap_batch_init(&batch, scratch, pointers, (int)n, false);
        return rc < 0 ? rc : hap_full_forward(scratch, &batch, &run);
}

static bool batch_piece(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct gates_job *job = context;
        const size_t i = job->prompts->batches.start[b] + k;

        if (i >= job->prompts->batches.start[b + 1])
                return false;
        *piece = (struct hap_piece){job->prompts->items[i].gates,
                                    gates_bytes(job->engine, job->prompts->items + i)};
        return true;
}

int hap_gates_fill(struct hap_prompts *prompts, const struct hap_engine *engine,
                   struct hap_error *err)
{
        struct gates_job job = {prompts, engine};

        if (engine->graph.n_experts == 0)
                return HAP_OK;
        for (size_t i = 0; i < prompts->n; i++) {
                struct hap_prompt *prompt = prompts->items + i;
                const size_t bytes = gates_bytes(engine, prompt);

                prompt->gates = hap_arena_alloc(&prompts->arena, bytes, 1);
                if (!prompt->gates)
                        return hap_fail_memory(err, "the weights of experts");
                memset(prompt->gates, 0, bytes);
        }
        return hap_parallel(engine, prompts->batches.n, run_batch, batch_piece, &job, err);
}
