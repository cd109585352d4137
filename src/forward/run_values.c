#include "forward/run_values.h"

#include "forward/blas.h"
#include "forward/full_state.h"
#include "forward/masked_state.h"

const float *hap_full_stream(const struct hap_engine *engine, const struct hap_full_run *run,
                             int point)
{
        const struct hap_full_state *state = run->state;

        if (point == 2 * engine->graph.n_layers)
                return state->last;
        return point % 2 ? state->layers[point / 2].mlp.x : state->layers[point / 2].x;
}

const float *hap_full_pattern(const struct hap_batch *batch, const struct hap_full_run *run,
                              int layer, int head, int at)
{
        const struct hap_heads *heads = &run->state->layers[layer].heads;
        size_t before = 0, all = 0;

        if (hap_attention_is_long(batch->prompts[at]))
                return NULL;
        for (int i = 0; i < batch->n; i++) {
                before += i < at ? hap_attention_size(heads, batch, i) : 0;
                all += hap_attention_size(heads, batch, i);
        }
        return heads->p + (size_t)head * all + before;
}

float hap_full_final_scale(const struct hap_full_run *run, size_t answer_row)
{
        return run->state->unembed.rstd[answer_row];
}

void hap_masked_output(const struct hap_scratch *scratch, const struct hap_batch *batch,
                       const struct hap_masked *run, int at, int k, int writer, float *out)
{
        const struct hap_prompt *prompt = batch->prompts[at];
        const int d = scratch->engine->model->config.d_model;
        const int slot = run->state->plan.slot[writer];
        const size_t row = (size_t)(batch->answers.start[at] + k) * (size_t)d;

        hap_counterfactual_read(&prompt->counterfactual, scratch->engine, prompt->n_tokens, writer,
                                prompt->answer_first + k, 1, 1, out);
        if (slot >= 0)
                hap_add((size_t)d,
                        hap_delta(run->state->answer_stream, hap_slot_stride(batch->answers.n, d),
                                  slot) + row, out);
}
