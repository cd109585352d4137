/* What a model needs: the graph of its edges, and the memory of every stage. For hap-model. */
#ifndef HAP_DATA_MODEL_NEEDS_H
#define HAP_DATA_MODEL_NEEDS_H

#include <stdio.h>

#include "graph/graph.h"
#include "model/model.h"

struct hap_model_needs {
        size_t tokens, prompts, threads; /* of the prompts; 0: 32 tokens, 200 prompts */
        struct hap_graph graph;
        size_t split_edges; /* edges with tok and pos as two writers; 0: it has no positions */
        size_t expert_edges; /* edges with each expert as a node; 0: it has none */
};

/* Makes the graph and sets the defaults. HAP_EINPUT: the model has fewer positions than `tokens`. */
int hap_model_needs_init(struct hap_model_needs *needs, const struct hap_model *model,
                         struct hap_error *err);
void hap_model_needs_release(struct hap_model_needs *needs);

void hap_model_needs_print(const struct hap_model_needs *needs, const struct hap_model *model,
                           FILE *out);
/* Prints one line of JSON: hap_model_describe, the graph, and the memory in bytes. */
int hap_model_needs_json(const struct hap_model_needs *needs, const struct hap_model *model,
                         FILE *out, struct hap_error *err);

#endif
