/* What a masked run keeps for its backward. */
#ifndef HAP_FORWARD_MASKED_STATE_H
#define HAP_FORWARD_MASKED_STATE_H

#include "forward/attention.h"
#include "forward/masked.h"
#include "forward/mix.h"
#include "forward/mlp.h"
#include "forward/relay.h"
#include "forward/span.h"
#include "forward/unembed.h"

/* A reader of the run: where its input stands, [rows][d_model] in its row
 * space, NULL when nothing of it is needed. */
struct hap_input {
        float *x, *mean, *rstd;
};

struct hap_masked_layer {
        const struct hap_rows *out_rows; /* rows of queries, MLP and outputs */
        bool answer_rows_only;               /* out_rows is the answers, not all rows */
        int slots;                   /* active writers before this layer */
        int n;                       /* active heads */
        int *head, *kv;              /* [n]: their numbers; 0 … n - 1 */
        struct hap_input *input[3];  /* q, k, v of the active heads, [n] each */
        struct hap_heads heads;
        float *pre_norm, *pre_norm_mean, *pre_norm_rstd; /* before the post-norm; NULL without one */
        int n_mlps;                  /* active ones of the nodes of the MLP */
        int *mlp_node;               /* [n_mlps]: 0, or the number of an expert */
        struct hap_input *mlp_input; /* [n_mlps] */
        struct hap_mlp mlp;
};

struct hap_masked_state {
        struct hap_plan plan;
        struct hap_masked_layer *layers;
        float *all_stream;    /* the stream at all rows, [1 + n_slots][rows][d_model] */
        float *answer_stream; /* at the answer rows, from the last layer on */
        struct hap_unembed unembed;
};

/* A forward run under way. */
struct hap_masked_pass {
        struct hap_scratch *scratch;
        const struct hap_engine *engine;
        const struct hap_config *config;
        const struct hap_graph *graph;
        const struct hap_batch *batch;
        struct hap_masked *run;
        struct hap_masked_state *state;
        const struct hap_counterfactual *counterfactual; /* of each prompt, with its data */
        bool gradients;
        float *stream;               /* all_stream, or answer_stream from the last layer on */
        const struct hap_rows *rows; /* of the stream */
};

static inline size_t hap_slot_size(const struct hap_masked_pass *m)
{
        return (size_t)m->rows->n * m->config->d_model;
}

static inline size_t hap_pass_stride(const struct hap_masked_pass *m)
{
        return hap_slot_stride(m->rows->n, m->config->d_model);
}

/* Mixes and projects all readers of a layer; reduces the stream to the answer rows
 * before the queries of the last one (masked_inputs.c). */
int hap_masked_inputs(struct hap_masked_pass *m, struct hap_masked_layer *s, int l);

/* Of deltas at all rows, or their gradients: those of all active writers before a layer. If ranks
 * hold layers, one passes them on to the next, and their gradients back. */
static inline struct hap_strided hap_deltas_before(float *deltas,
                                                   const struct hap_masked_state *state,
                                                   const struct hap_graph *graph,
                                                   const struct hap_batch *batch, int d_model,
                                                   int layer)
{
        return (struct hap_strided){
                .at = deltas,
                .n = (size_t)state->plan.slots_before[hap_graph_head_writer(graph, layer, 0)],
                .size = (size_t)batch->rows.n * (size_t)d_model,
                .stride = hap_slot_stride(batch->rows.n, d_model)};
}

/* Slot s's delta within a stream whose slots are `stride` floats apart. */
static inline float *hap_delta(float *stream, size_t stride, int slot)
{
        return stream + (size_t)(1 + slot) * stride;
}

#endif
