/* A pruning under way: what all recipes share, and the recipes. */
#ifndef HAP_PRUNE_PRUNING_H
#define HAP_PRUNE_PRUNING_H

#include <signal.h>
#include <stdio.h>

#include "common/random.h"
#include "prune/checkpoint.h"
#include "prune/masked_kl.h"
#include "prune/options.h"

/* What is known after a step. */
struct hap_prune_step {
        long step, steps;      /* done so far; in all */
        double kl;             /* mean over the step's masked runs */
        double sparsity;       /* of the masks that were run */
        double target;         /* what it should be by now */
        double lambda[2];      /* of the sparsity; 0 in rank sampling */
        size_t alive;          /* edges that live of those likelier open than not */
};

/* A circuit that came out. */
struct hap_pruned {
        float *z;    /* [n_edges]: 0 or 1, no dead edges */
        size_t kept; /* edges of it */
        size_t dead; /* that were dropped from it */
        double soft; /* sparsity of the deterministic masks; NaN: none */
        bool exact;  /* of the size asked for */
};

struct hap_pruning {
        const struct hap_prune_options *options;
        const struct hap_graph *graph;
        const struct hap_prompts *prompts;
        struct hap_measure measure;
        const double *scores; /* [n_edges], or NULL */
        bool *allowed;        /* [n_edges]: edges of the subgraph */
        uint32_t *edges;      /* [n_allowed]: these, in their order */
        size_t n_allowed;
        size_t n_target;      /* edges wanted */
        double target;        /* as a sparsity */
        struct hap_checkpoint checkpoint;
        FILE *log;
        int64_t log_size; /* up to the newest checkpoint */
        bool resumed; /* the state was read from a checkpoint */
        void (*report)(void *context, const struct hap_prune_step *step);
        void *context;
        const volatile sig_atomic_t *stop; /* set: stop after this step */
        struct hap_pruned result;
        struct hap_pruned own; /* by edge pruning's own threshold; z is NULL: not asked */
        double kl;     /* mean on the training prompts it was chosen on; NaN: none */
        int64_t kl_on; /* so many */
        int64_t steps; /* the number of the last one done; patience passes some over */
        int64_t taken; /* how many were done */
};

/* A recipe stopped because *stop was set; the checkpoint is written. */
#define HAP_PRUNE_STOPPED 1

/* `subgraph` (z of a circuit) and `scores` may be NULL. HAP_EUSAGE when the
 * target cannot be reached: says what could. Nothing given is owned. */
int hap_pruning_init(struct hap_pruning *pruning, const struct hap_prune_options *options,
                     const struct hap_engine *engine, const struct hap_prompts *prompts,
                     const float *subgraph, const double *scores, struct hap_error *err);
void hap_pruning_release(struct hap_pruning *pruning);

/* Runs the recipe: 0 with the result, HAP_PRUNE_STOPPED, or an error. */
int hap_pruning_run(struct hap_pruning *pruning, struct hap_error *err);

/* The header's "pruning": recipe, options, seed, target and reached sparsity,
 * masked runs. New reference. */
json_t *hap_pruning_describe(const struct hap_pruning *pruning, const struct hap_pruned *pruned);

/* --- for recipes --- */

/* Streams of the seed's random numbers. */
enum hap_prune_stream {
        HAP_PRUNE_START = 1, /* first logα */
        HAP_PRUNE_MASKS,     /* u of the masks */
        HAP_PRUNE_NODES,     /* u of node masks */
        HAP_PRUNE_ORDER,     /* of prompts */
        HAP_PRUNE_TIES,      /* among equal ranks */
        HAP_PRUNE_CHOICE,    /* prompts that circuits are chosen on */
        HAP_PRUNE_SWAPS,
};
static inline struct hap_random_key hap_prune_key(const struct hap_pruning *pruning,
                                                  enum hap_prune_stream stream)
{
        return (struct hap_random_key){(uint64_t)pruning->options->seed, (uint64_t)stream};
}

/* Where the log stands belongs to the state that recipes keep. Called once,
 * after the recipe added its fields: reads the checkpoint when there is one
 * (1), opens the log. */
int hap_prune_resume(struct hap_pruning *pruning, struct hap_error *err);

/* After a step: counts, logs, reports, writes a checkpoint when one is due.
 * HAP_PRUNE_STOPPED when it is to stop. */
int hap_prune_step_done(struct hap_pruning *pruning, const struct hap_prune_step *step,
                        struct hap_error *err);

/* Whether *stop is set. */
bool hap_prune_stopping(const struct hap_pruning *pruning);
/* Writes the checkpoint, of the state after the last step: HAP_PRUNE_STOPPED. */
int hap_prune_stop(struct hap_pruning *pruning, struct hap_error *err);

/* The prompts of step `step`, at most `batch`, every prompt once an epoch in a
 * random order. With `whole`, the last batch of an epoch may be smaller, so
 * that each epoch starts a batch; else batches run across epochs. */
size_t hap_prune_batch(const struct hap_pruning *pruning, long step, size_t batch,
                       bool whole, uint32_t *which);

/* Masks [n_edges] as a circuit: drops dead edges, counts. */
void hap_prune_keep(const struct hap_pruning *pruning, const float *z, struct hap_pruned *pruned);
/* The same as the result: HAP_EINPUT when nothing is left. */
int hap_prune_result(struct hap_pruning *pruning, const float *z, struct hap_error *err);

/* The allowed edges by value[edge], the highest first, equal ones at random by
 * (HAP_PRUNE_TIES, i), to `order` ([n_allowed]). */
int hap_prune_rank(const struct hap_pruning *pruning, const double *value, uint64_t i,
                   uint32_t *order, struct hap_error *err);

/* Edges that live among those with z > 0. */
size_t hap_prune_alive(const struct hap_pruning *pruning, const float *z, float *scratch);

int hap_recipe_edge_pruning(struct hap_pruning *pruning, struct hap_error *err);
int hap_recipe_rank(struct hap_pruning *pruning, struct hap_error *err);

#endif
