/* What memory a stage of the pipeline needs, told before it takes it: a sum over
 * what it keeps, made from the model's description and the prompts' number and
 * length. It is meant to be what the program's closing line says, or a little
 * more: pages of a mapped cache that are in use count, those of a model's file
 * do not, which are given back as they are converted. */
#ifndef HAP_DATA_MEMORY_ESTIMATE_H
#define HAP_DATA_MEMORY_ESTIMATE_H

#include "data/prompts.h"

/* The runs that make up a stage. */
enum hap_needs_runs {
        HAP_NEEDS_WHOLE,     /* both prompts' whole runs, for a cache */
        HAP_NEEDS_GRADIENTS, /* plain, with the gradients of all readers */
        HAP_NEEDS_MASKED,    /* masked, without gradients */
        HAP_NEEDS_TRAINING,  /* masked, with gradients */
};

/* Where what the corrupted runs wrote comes from. */
enum hap_needs_source {
        HAP_SOURCE_RUNS,   /* they are run */
        HAP_SOURCE_MAPPED, /* a cache that is a file */
        HAP_SOURCE_PIPED,  /* a cache that is none: it is copied */
};

struct hap_needs {
        /* of the stage */
        enum hap_needs_runs runs;
        struct hap_prompts_options options;
        size_t batches;  /* a thread has prepared at a time; 0: all prompts */
        size_t per_job;  /* prompts of a run with gradients, at most; 0: a batch */
        size_t per_edge; /* bytes kept for every edge */
        bool cases;      /* masks of every node cut off alone are kept */
        bool can_halve;  /* it has --cache-dtype */
        size_t most;     /* bytes allowed: --max-memory; 0: no limit */
        size_t threads;
        /* of the prompts */
        size_t prompts;
        size_t tokens, positions; /* of the longest, and answer positions, at most */
        size_t shortest;          /* tokens of the shortest; 0: all are as long */
        enum hap_needs_source source;
        enum hap_dtype dtype; /* of a cache's outputs */
};

/* The stages, without limit, threads and prompts. */
extern const struct hap_needs hap_needs_forward, hap_needs_attrib, hap_needs_eval,
        hap_needs_select, hap_needs_prune, hap_needs_ablate;

/* A stage with `most` bytes, 0 for any number, on so many threads. */
struct hap_needs hap_needs_within(const struct hap_needs *stage, size_t most, size_t threads);

/* The prompts are these. */
void hap_needs_examples(struct hap_needs *needs, const struct hap_examples *examples);
/* A prompt more, of which only the length is taken: the longest counts. */
void hap_needs_prompt(struct hap_needs *needs, const struct hap_example *example);

/* Bytes; the model need not have its weights yet. */
size_t hap_needs_bytes(const struct hap_needs *needs, const struct hap_model *model,
                       const struct hap_graph *graph);
size_t hap_needs_weights(const struct hap_model *model);
/* Bytes of one prompt's record in a cache of f32. */
size_t hap_needs_record(const struct hap_needs *needs, const struct hap_model *model,
                        const struct hap_graph *graph);

/* HAP_EUSAGE when that is more than allowed: says how much, and which options
 * would lower it to what. */
int hap_needs_check(const struct hap_needs *needs, const struct hap_model *model,
                    const struct hap_graph *graph, struct hap_error *err);
/* The same before there is a graph. */
int hap_needs_check_model(const struct hap_needs *needs, const struct hap_model *model,
                          const struct hap_graph_form *form, struct hap_error *err);

#endif
