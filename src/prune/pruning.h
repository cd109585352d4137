/* The state of a pruning run that all recipes share, and what they do with it. */
#ifndef HAP_PRUNE_PRUNING_H
#define HAP_PRUNE_PRUNING_H

#include <signal.h>
#include <stdio.h>

#include "common/random.h"
#include "prune/checkpoint.h"
#include "prune/masked_kl.h"
#include "prune/options.h"

/* What is logged and reported after a step. */
struct hap_prune_step {
        long step, steps; /* steps done; steps in all */
        double kl;        /* mean over the step's masked runs */
        double sparsity;  /* of the step's masks */
        double target;    /* the sparsity that this step should have */
        double lambda[2]; /* multipliers of the sparsity; 0 in rank sampling */
        size_t alive;     /* live edges among those with P(open) > ½ */
};

/* A resulting circuit. */
struct hap_pruned {
        float *z;    /* [n_edges]: 0 or 1, no dead edges */
        size_t kept; /* its edges */
        size_t dead; /* dead edges that were dropped */
        double soft; /* sparsity of the deterministic masks; NaN: the recipe has none */
        bool exact;  /* it should have exactly the wanted size */
        double *cost; /* [n_edges]: what hap_prune_removals measured; NULL: nothing */
};

struct hap_pruning {
        const struct hap_prune_options *options;
        const struct hap_graph *graph;
        const struct hap_prompts *prompts;
        struct hap_masked_kl masked_kl;
        const double *scores; /* [n_edges], or NULL */
        bool *allowed;        /* [n_edges]: whether an edge is in the subgraph */
        uint32_t *edges;      /* [n_allowed]: the subgraph's edges, ascending */
        size_t n_allowed;
        size_t n_target;      /* the wanted number of edges */
        double target;        /* the same as a sparsity; NaN: no size was asked for */
        float *avoid;         /* [n_edges]: 1 for edges to avoid; NULL: none (prune/avoid.h) */
        size_t n_avoid, n_shared; /* edges to avoid; those of the result */
        double threshold;     /* that the circuit follows from; NaN: none */
        struct hap_checkpoint checkpoint;
        FILE *log;
        int64_t log_size; /* bytes of the log up to the newest step */
        bool resumed;     /* the state was read from a checkpoint */
        void (*report)(void *context, const struct hap_prune_step *step);
        void *context;
        const volatile sig_atomic_t *stop; /* when set: stop after this step */
        double *ranking; /* [n_edges]: what the recipe ranked the edges by at the end */
        struct hap_pruned result;
        /* The circuit of edge pruning's threshold, for --threshold-circuit; z NULL: not wanted. */
        struct hap_pruned threshold_circuit;
        double kl;     /* the result's mean KL on the training prompts that chose it; NaN: none */
        int64_t kl_on; /* the number of these prompts */
        int64_t steps; /* the number of the last step done; --patience may skip some */
        int64_t taken; /* how many steps were done */
};

/* `subgraph` (z of a circuit) and `scores`, both [n_edges], may be NULL. Arguments are not
 * owned and must outlive `pruning`. HAP_EUSAGE: the wanted size is impossible; the message
 * says what is possible. HAP_EINPUT: the subgraph has no path. */
int hap_pruning_init(struct hap_pruning *pruning, const struct hap_prune_options *options,
                     const struct hap_engine *engine, const struct hap_prompts *prompts,
                     const float *subgraph, const double *scores, struct hap_error *err);
void hap_pruning_release(struct hap_pruning *pruning);

/* Runs the recipe. 0: pruning->result is the circuit. HAP_PRUNE_STOPPED (prune/log.h):
 * pruning->stop was set before the end. Otherwise an error. */
int hap_pruning_run(struct hap_pruning *pruning, struct hap_error *err);

/* The header's "pruning": recipe, options, seed, target and reached sparsity, masked runs. A
 * new reference. */
json_t *hap_pruning_describe(const struct hap_pruning *pruning, const struct hap_pruned *pruned);

/* --- for recipes --- */

/* Independent streams of random numbers of one seed. */
enum hap_prune_stream {
        HAP_PRUNE_START = 1, /* initial logα */
        HAP_PRUNE_MASKS,     /* u of edge masks */
        HAP_PRUNE_NODES,     /* u of node masks */
        HAP_PRUNE_ORDER,     /* order of prompts */
        HAP_PRUNE_TIES,      /* ties between ranks */
        HAP_PRUNE_CHOICE,    /* prompts that circuits are chosen on */
        HAP_PRUNE_SWAPS,     /* prompts and flipped edges of swaps */
        HAP_PRUNE_REMOVALS,  /* prompts that the removal of edges is measured on */
};
static inline struct hap_random_key hap_prune_key(const struct hap_pruning *pruning,
                                                  enum hap_prune_stream stream)
{
        return (struct hap_random_key){(uint64_t)pruning->options->seed, (uint64_t)stream};
}

/* Sets which[] to the prompts of step `step` and returns their number, at most `batch`; 0: no
 * memory. Every prompt comes once an epoch, in random order. With `whole` each epoch starts a
 * batch, and the last batch of an epoch may be smaller; otherwise batches continue across
 * epochs. */
size_t hap_prune_batch(const struct hap_pruning *pruning, long step, size_t batch,
                       bool whole, uint32_t *which);

/* Sets *pruned to the circuit of the edges with z > 0 ([n_edges]): drops dead edges, counts. */
void hap_prune_keep(const struct hap_pruning *pruning, const float *z, struct hap_pruned *pruned);
/* The same for pruning->result. HAP_EINPUT: no edge is left. */
int hap_prune_result(struct hap_pruning *pruning, const float *z, struct hap_error *err);

/* Sorts the allowed edges by value[edge], highest first, ties broken at random by
 * (HAP_PRUNE_TIES, i), and writes them to `order` ([n_allowed]). */
int hap_prune_rank(const struct hap_pruning *pruning, const double *value, uint64_t i,
                   uint32_t *order, struct hap_error *err);

/* The number of live edges among those with z > 0. scratch: [n_edges]. */
size_t hap_prune_alive(const struct hap_pruning *pruning, const float *z, float *scratch);

#endif
