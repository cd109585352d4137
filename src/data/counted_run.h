/* The scratch that a run will need, counted by the run itself (forward/scratch.h). */
#ifndef HAP_DATA_COUNTED_RUN_H
#define HAP_DATA_COUNTED_RUN_H

#include <stdint.h>

#include "data/memory_estimate.h"

/* A run of n equal prompts. */
struct hap_counted_run {
        enum hap_memory_runs runs;
        size_t n, tokens, rows, positions; /* rows: those computed, the last ones of tokens */
        const struct hap_ablation *ablation;
        const float *z;       /* [n_edges] */
        const bool *wanted;   /* [n_edges] */
        bool all_rows;        /* in the last layer too */
        bool remade;          /* masked: the run makes the counterfactuals, too */
        struct hap_memory_arrays arrays;
        bool counterfactuals; /* the gradient by the counterfactual is wanted, not by masks */
};

/* For a run whose memory cannot be counted, because the address space is limited: more than any
 * limit, but a sum for HAP_MAX_THREADS threads does not overflow. */
#define HAP_UNCOUNTED (SIZE_MAX >> 16)

/* Bytes, or HAP_UNCOUNTED; the model need not have its weights. */
size_t hap_counted_run_bytes(const struct hap_counted_run *run, const struct hap_model *model,
                             const struct hap_graph *graph);

#endif
