/* Attribution methods: the table.
 *
 * Everything that depends on the method is in its row; other files ask the row. To add
 * one, write its row here and its function, as in gradient.c and mask.c. */
#ifndef HAP_ATTRIB_METHOD_H
#define HAP_ATTRIB_METHOD_H

#include "data/memory_estimate.h"
#include "forward/rules.h"

struct hap_attrib;

enum hap_method_needs {
        HAP_NEEDS_STEPS = 1,   /* a number of steps from corrupted to clean, or of samples */
        HAP_NEEDS_CIRCUIT = 2, /* masks of a circuit; without one, all are 1 */
        /* A gradient at the full model, which is zero for a metric that compares with the
         * full model. With a circuit the gradient is taken there instead. */
        HAP_NEEDS_SLOPE_AT_FULL_MODEL = 4,
        HAP_NEEDS_RANDOM = 8,  /* random numbers: a seed, and how likely an edge is open */
        HAP_NEEDS_CUT_CIRCUIT = 32, /* a circuit to cut; it must be in the input */
        HAP_NEEDS_NO_LOSS = 16, /* neither metric nor ablation matter */
};

struct hap_method {
        const char *name, *help;
        const char *sign; /* what a score's sign means; NULL: positive: corrupting hurts */
        unsigned needs; /* of enum hap_method_needs, or'ed */
        int steps;      /* usual number of steps, if it needs them */
        /* The kind of its runs: HAP_MEMORY_GRADIENTS for full runs with gradients,
         * HAP_MEMORY_MASKED, HAP_MEMORY_TRAINING for masked runs with gradients. It decides
         * how prompts are read, and the memory estimate. */
        enum hap_memory_runs runs;
        const struct hap_rules *rules; /* of the backward of full runs; NULL: the derivative */
        bool whole_model; /* does not run if ranks hold layers (common/mpi_layers.h) */
        bool whole_prompts; /* full runs compute all positions, also those where a' = a */
        bool single;        /* a batch is one prompt */
        bool drops_layers;  /* a backward run without each layer in turn, for grad_drop.c */
        bool exact_patterns; /* scores of q and k by the exact change of attention, there */
        /* It gives a score per node if scores of nodes are wanted. Otherwise those are sums over
         * the edges from the node. */
        bool by_node;
        struct hap_memory_arrays memory; /* of a batch, besides those of gradient.c */
        /* Adds to attrib->sum the scores of the prompts, summed over them. */
        int (*run)(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err);
};

extern const struct hap_method *const hap_methods[]; /* NULL-terminated */

/* The choices of an option --method (see struct hap_option). */
const char *hap_method_choice(int i, const char **help);

#endif
