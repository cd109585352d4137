/* What memory a stage of the pipeline needs, told before it takes it: a sum over
 * what it keeps, made from the model's description and the prompts' number and
 * length. It is meant to be what the program's closing line says, or a little
 * more: pages of a mapped cache that are in use count, those of a model's file
 * do not, which are given back as they are converted. */
#ifndef HAP_DATA_MEMORY_ESTIMATE_H
#define HAP_DATA_MEMORY_ESTIMATE_H

#include "data/examples.h"
#include "data/prompts.h"

/* The runs that make up a stage. */
enum hap_memory_runs {
        HAP_MEMORY_FULL,     /* both prompts' whole runs, for a cache */
        HAP_MEMORY_GRADIENTS, /* plain, with the gradients of all readers */
        HAP_MEMORY_MASKED,    /* masked, without gradients */
        HAP_MEMORY_TRAINING,  /* masked, with gradients */
};

/* Where what the corrupted runs wrote comes from. */
enum hap_counterfactuals_from {
        HAP_COUNTERFACTUALS_RUNS,   /* they are run */
        HAP_COUNTERFACTUALS_MAPPED, /* a cache that is a file */
        HAP_COUNTERFACTUALS_PIPED,  /* a cache that is none: it is copied */
};

struct hap_memory_estimate {
        /* of the stage */
        enum hap_memory_runs runs;
        struct hap_prompts_options options;
        size_t batches;  /* a thread has prepared at a time; 0: all prompts */
        size_t per_job;  /* prompts of a run with gradients, at max_bytes; 0: a batch */
        size_t per_edge; /* bytes kept for every edge */
        bool cases;      /* masks of every node cut off alone are kept */
        bool can_halve;  /* it has --cache-dtype */
        size_t max_bytes;     /* bytes allowed: --max-memory; 0: no limit */
        size_t threads;
        /* of the prompts */
        size_t prompts;
        size_t tokens, positions; /* of the longest, and answer positions, at max_bytes */
        size_t shortest;          /* tokens of the shortest; 0: all are as long */
        enum hap_counterfactuals_from source;
        enum hap_dtype dtype; /* of a cache's outputs */
};

/* The stages, without limit, threads and prompts. */
extern const struct hap_memory_estimate hap_memory_forward, hap_memory_attrib, hap_memory_eval,
        hap_memory_select, hap_memory_prune, hap_memory_ablate;

/* A stage with `most` bytes, 0 for any number, on so many threads. */
struct hap_memory_estimate hap_memory_within(const struct hap_memory_estimate *stage, size_t most, size_t threads);

/* The prompts are these. */
void hap_memory_examples(struct hap_memory_estimate *needs, const struct hap_examples *examples);
/* A prompt more, of which only the length is taken: the longest counts. */
void hap_memory_prompt(struct hap_memory_estimate *needs, const struct hap_example *example);

/* Bytes; the model need not have its weights yet. */
size_t hap_memory_bytes(const struct hap_memory_estimate *needs, const struct hap_model *model,
                       const struct hap_graph *graph);
size_t hap_memory_weights(const struct hap_model *model);
/* Bytes of one prompt's record in a cache of f32. */
size_t hap_memory_record(const struct hap_memory_estimate *needs, const struct hap_model *model,
                        const struct hap_graph *graph);

/* HAP_EUSAGE when that is more than allowed: says how much, and which options
 * would lower it to what. */
int hap_memory_check(const struct hap_memory_estimate *needs, const struct hap_model *model,
                    const struct hap_graph *graph, struct hap_error *err);
/* The same before there is a graph. */
int hap_memory_check_model(const struct hap_memory_estimate *needs, const struct hap_model *model,
                          const struct hap_graph_form *form, struct hap_error *err);

#endif
