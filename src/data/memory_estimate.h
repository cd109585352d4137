/* The memory that a stage of the pipeline will use, known before it is allocated. The scratch of
 * its runs is counted by the engine's own code (forward/scratch.h); what is kept of the prompts,
 * the weights and the rest are sums of their arrays. Pages of a mapped cache count while they
 * are in use; pages of a model's file do not, they are released once they are converted. */
#ifndef HAP_DATA_MEMORY_ESTIMATE_H
#define HAP_DATA_MEMORY_ESTIMATE_H

#include "data/examples.h"
#include "data/prompts.h"

/* The system reads about this much of a mapped file around what is used of a prompt. */
#define HAP_FAULT_AROUND ((size_t)32 << 10)

/* The runs that make up a stage. */
enum hap_memory_runs {
        HAP_MEMORY_FULL,     /* full runs, clean and corrupted, for a cache */
        HAP_MEMORY_GRADIENTS, /* full runs, with the gradients of all readers */
        HAP_MEMORY_MASKED,    /* masked, without gradients */
        HAP_MEMORY_TRAINING,  /* masked, with gradients */
};

/* Arrays of a batch of full runs with gradients, besides the outputs of the writers and the
 * gradients of the readers. */
struct hap_memory_arrays {
        size_t outputs; /* arrays of [n_writers][rows][d_model] */
        bool layers;    /* for every layer: the scores of all edges and all attention patterns */
};

/* Where the outputs of the corrupted runs come from. */
enum hap_counterfactuals_from {
        HAP_COUNTERFACTUALS_RUNS,   /* the model is run */
        HAP_COUNTERFACTUALS_MAPPED, /* a cache in a file */
        HAP_COUNTERFACTUALS_PIPED,  /* a cache from a pipe: it is copied */
};

struct hap_memory_estimate {
        /* of the stage */
        enum hap_memory_runs runs;
        struct hap_prompts_options options;
        size_t batches;  /* prepared per thread at a time; 0: all prompts */
        size_t group;    /* runs of a step, for training */
        size_t per_edge; /* bytes kept for every edge */
        bool cases;      /* the masks cut off each node alone, unless there is a circuit */
        bool bf16;       /* products in BF16: the weights are packed too */
        bool all_rows;   /* full runs: in the last layer too, not the answers alone */
        struct hap_memory_arrays arrays;
        bool can_halve;  /* it has --cache-dtype */
        size_t max_bytes;     /* bytes allowed: --max-memory; 0: no limit */
        size_t threads;
        /* of the prompts */
        size_t prompts;
        size_t tokens, positions; /* of the longest prompt; answer positions, at most */
        size_t shortest;          /* tokens of the shortest; 0: all are equally long */
        size_t rows;              /* computed of a prompt, at most; 0: all tokens */
        struct hap_memory_sums {
                size_t n;
                double tokens, tokens_squared, rows, rows_squared;
        } sums; /* over the prompts that are known one by one */
        const float *z; /* masks of the runs, [z_edges], borrowed; all edges are open if this
                         * is NULL or another graph's */
        size_t z_edges;
        bool at_least;  /* masks and prompts are not known yet: only what is certain counts */
        enum hap_counterfactuals_from source;
        enum hap_dtype dtype; /* of a cache's outputs */
};

/* The stages, without limit, threads and prompts. */
extern const struct hap_memory_estimate hap_memory_forward, hap_memory_attrib, hap_memory_eval,
        hap_memory_select, hap_memory_prune, hap_memory_ablate;

/* A stage that may use max_bytes, 0 for no limit, on `threads` threads. */
struct hap_memory_estimate hap_memory_within(const struct hap_memory_estimate *stage,
                                             size_t max_bytes, size_t threads);

/* Sets the prompts to these examples. */
void hap_memory_examples(struct hap_memory_estimate *needs, const struct hap_examples *examples,
                         const struct hap_model *model);
void hap_memory_prompts(struct hap_memory_estimate *needs, const struct hap_prompts *prompts,
                        const struct hap_model *model);
/* Takes another prompt's length into account; the number of prompts stays. */
void hap_memory_prompt(struct hap_memory_estimate *needs, const struct hap_example *example,
                       const struct hap_model *model);

/* Bytes; the model need not have its weights yet. */
size_t hap_memory_bytes(const struct hap_memory_estimate *needs, const struct hap_model *model,
                       const struct hap_graph *graph);
size_t hap_memory_weights(const struct hap_model *model);
/* Bytes of one prompt's record in a cache of f32. */
size_t hap_memory_record(const struct hap_memory_estimate *needs, const struct hap_model *model,
                        const struct hap_graph *graph);

/* HAP_EUSAGE if that is more than allowed: the message gives both numbers, and which options
 * would lower the need, and to what. */
int hap_memory_check(const struct hap_memory_estimate *needs, const struct hap_model *model,
                    const struct hap_graph *graph, struct hap_error *err);
/* The same, before there is a graph. */
int hap_memory_check_model(const struct hap_memory_estimate *needs, const struct hap_model *model,
                          const struct hap_graph_form *form, struct hap_error *err);

#endif
