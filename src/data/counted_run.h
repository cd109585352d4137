/* The scratch that a run will need, counted by the run itself (forward/scratch.h). */
#ifndef HAP_DATA_COUNTED_RUN_H
#define HAP_DATA_COUNTED_RUN_H

#include "data/memory_estimate.h"

/* A run of n equal prompts. */
struct hap_counted_run {
        enum hap_memory_runs runs;
        size_t n, tokens, rows, positions; /* rows: those computed, the last ones of tokens */
        const struct hap_ablation *ablation;
        const float *z;       /* [n_edges] */
        const bool *wanted;   /* [n_edges] */
        bool counterfactuals; /* the gradient by the counterfactual is wanted, not by masks */
};

/* Bytes; the model need not have its weights. SIZE_MAX / 4 if they cannot be counted, because
 * the address space is limited. */
size_t hap_counted_run_bytes(const struct hap_counted_run *run, const struct hap_model *model,
                             const struct hap_graph *graph);

#endif
