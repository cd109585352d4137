#include "forward/remake.h"

#include "forward/full_run.h"

/* The corrupted prompt as a prompt of its own. Before `first` it has the same tokens as the clean
 * one, so that its keys and values there are those that were prepared. */
static struct hap_prompt corrupted_prompt(const struct hap_prompt *prompt)
{
        const bool prepared = prompt->k || prompt->residual;

        return (struct hap_prompt){
                .n_tokens = prompt->n_tokens,
                .tokens = prompt->counterfactual.tokens,
                .depth = prompt->depth,
                .end = prompt->end,
                .first = prepared ? prompt->first : 0,
                .k = prompt->k,
                .v = prompt->v,
                .answer_first = prompt->answer_first,
                .n_answer_positions = prompt->n_answer_positions,
                .counterfactual = {.ablation = prompt->counterfactual.ablation},
        };
}

/* outputs: [n_writers][rows.n][d_model] of all prompts. */
static void point_to(const struct hap_batch *batch, const float *outputs, size_t d,
                     struct hap_counterfactual *made)
{
        for (int i = 0; i < batch->n; i++) {
                made[i].data = outputs + (size_t)batch->rows.start[i] * d;
                made[i].dtype = HAP_F32;
                made[i].first = batch->rows.first[i];
                made[i].n_rows = batch->rows.n;
        }
}

int hap_remake(struct hap_scratch *scratch, const struct hap_prompt *const *prompts, int n,
               bool answer_rows_only, struct hap_counterfactual *made)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t writers = (size_t)scratch->engine->graph.n_writers;
        struct hap_full_run run = {0};
        struct hap_prompt *corrupted;
        const struct hap_prompt **pointers;
        struct hap_batch batch;
        size_t mark;
        int rc;

        for (int i = 0; i < n; i++)
                made[i] = prompts[i]->counterfactual;
        if (!made[0].tokens || made[0].data)
                return HAP_OK;
        corrupted = hap_scratch_alloc(scratch, (size_t)n, sizeof *corrupted);
        pointers = hap_scratch_alloc(scratch, (size_t)n, sizeof *pointers);
        if (!corrupted || !pointers)
                return scratch->error.code;
        for (int i = 0; i < n; i++) {
                corrupted[i] = corrupted_prompt(prompts[i]);
                pointers[i] = corrupted + i;
        }
        if ((rc = hap_batch_init(&batch, scratch, pointers, n, answer_rows_only)) < 0)
                return rc;
        run.outputs = hap_scratch_alloc(scratch, writers * (size_t)batch.rows.n * d, sizeof(float));
        if (!run.outputs)
                return scratch->error.code;
        mark = scratch->used;
        rc = hap_full_forward(scratch, &batch, &run);
        scratch->used = mark;
        if (rc == 0)
                point_to(&batch, run.outputs, d, made);
        return rc;
}
