/* The engine: a model and its graph, ready for full runs (full_run.h) and masked runs
 * (masked.h) on batches of prompts (batch.h). */
#ifndef HAP_FORWARD_ENGINE_H
#define HAP_FORWARD_ENGINE_H

#include "common/arena.h"
#include "common/error.h"
#include "graph/graph.h"
#include "model/model.h"

struct hap_bf16;
struct hap_pool;

struct hap_engine {
        struct hap_model *model; /* not owned; hap_engine_init folds its norms */
        struct hap_graph graph;
        struct hap_arena arena; /* owns biases that folding added, and the rotary tables */
        const float **rotary;   /* [n_layers]: tables of hap_rotary_fill; NULL without rotary */
        int n_rotary_positions; /* positions in the tables; later ones are computed */
        struct hap_bf16 *bf16;  /* the weights for products in BF16; NULL: none */
        struct hap_pool *pool;  /* threads' scratch, kept between calls of hap_parallel */
};

/* Prepares the model for runs: folds the gain and bias of the norms before attention and
 * MLP into the matrices that follow them. For LayerNorm their rows are also centred. A
 * reader's projection is then rstd · (x Wᵀ) + b. form NULL: one input writer, and no
 * distinguished positions.
 *
 * After an error the engine is as after hap_engine_release. The caller must still release
 * the model. When memory ran out, some of its norms may be folded: do not run it.
 *
 * HAP_EUSAGE: split input, and the model has no learned positions; experts, and it has none. HAP_EINPUT: the
 * graph is too large. */
int hap_engine_init(struct hap_engine *engine, struct hap_model *model,
                    const struct hap_graph_form *form, struct hap_error *err);
/* Packs the weights for products in BF16 (bf16.h), which runs with `bf16` use. Other runs stay
 * in F32. HAP_EUSAGE: they are not possible here. */
int hap_engine_use_bf16(struct hap_engine *engine, struct hap_error *err);
/* Sets the engine to zeros (model NULL). It may be released again. */
void hap_engine_release(struct hap_engine *engine);

#endif
