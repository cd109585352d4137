/* The options of a pruning, and the constants of its recipe. */
#ifndef HAP_PRUNE_OPTIONS_H
#define HAP_PRUNE_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/number.h"
#include "common/program.h"
#include "common/tensor.h"

struct hap_pruning;

/* A constant of a recipe: a value that its formulas contain. `option` says its name,
 * type, range, field in struct hap_prune_options and help, as for options of a program.
 * Parsing, --help-recipe, the header of the circuit and the check of what is given all
 * read these rows. */
struct hap_constant {
        struct hap_option option;
        double value;  /* when it is not given */
        const char *fitted; /* or what its value depends on: hap_prune_options_fit */
        unsigned part; /* of the recipe that uses it, HAP_STEPS or HAP_ROUNDS; 0: all */
        bool plain;    /* has its own option, such as --steps, instead of --set */
};
enum { HAP_STEPS = 1, HAP_ROUNDS = 2 };

/* A way to prune; the rows are hap_recipes (recipes.h). */
struct hap_recipe {
        const char *name;
        const char *help;
        const struct hap_constant *constants; /* ended by a row without a name */
        /* Where the recipe differs from the constants' usual values; ended likewise. */
        const struct hap_constant_value {
                const char *name;
                double value;
        } *values;
        bool exact;          /* always ends with the number of edges, if one is asked for */
        bool trains_masks;   /* learns masks, of which a threshold leaves a circuit */
        bool needs_subgraph;
        /* The constant that the size follows from when neither --edges nor --sparsity is given;
         * NULL: one of them must be. A constant without a value of its own is found by search
         * for the size, so exactly one of the two is given. */
        const char *sized_by;
        const char *ranking; /* what the edges are ranked by, for the circuit's header */
        int (*run)(struct hap_pruning *pruning, struct hap_error *err);
};

extern const struct hap_constant hap_rank_constants[], hap_edge_pruning_constants[],
        hap_acdc_constants[], hap_subnetwork_probing_constants[], hap_ugs_constants[];
extern const struct hap_constant *const hap_constants[]; /* all of them, NULL-terminated */

enum hap_node_masks {
        HAP_NODES_NONE,
        HAP_NODES_FREE,    /* sparsity counts the masks of edges only */
        HAP_NODES_COUNTED, /* an edge counts as edge × node */
};
enum hap_ramp { HAP_RAMP_LINEAR, HAP_RAMP_LOGARITHMIC };
enum hap_mask_kind { HAP_MASKS_CONCRETE, HAP_MASKS_BERNOULLI };

/* Of edges shared with the circuit to avoid, in nats. */
#define HAP_PRUNE_WEIGHT 0.3

/* The usual prompts of a round of refinement; half as many beside steps, for few edges. */
#define HAP_PRUNE_ROUND 32

/* Until they are settled, constants that were not given are negative integers, NaN, or
 * percentages that are not `given`. */
struct hap_prune_options {
        const struct hap_recipe *recipe; /* by hap_prune_options_settle */
        int recipe_row, ablation, precision; /* precision: enum hap_precision */
        struct hap_texts set;  /* NAME=VALUE, as given */
        struct hap_texts avoid; /* files of circuits whose edges the result should not have */
        double weight; /* of shared edges; NaN until settled if not given */
        int help_recipe;       /* the row to be printed, or -1 */
        struct hap_count_or_percent sparsity; /* P% */
        int64_t edges;              /* or the number of edges; 0: not given */
        int64_t steps, batch, seed, patience;
        int64_t seeds; /* circuits, each with the next seed; by settle at least 1 */
        bool exact;
        /* edge-pruning, hap */
        int from_scores; /* 0 or 1 */
        double rate, node_rate, lambda_rate, weight_decay, clip;
        double beta1, beta2; /* of AdamW */
        double start, start_spread; /* logα ~ N(start, spread) */
        int64_t warmup, ramp;
        int ramp_kind, node_masks;
        struct hap_count_or_percent node_sparsity; /* P%, turns the node loss on */
        /* rank, rank-thorough */
        double sharpness, last_sharpness, momentum, anneal;
        double round_sharpness, round_clip, share, last_share, velocity; /* of refinement */
        int64_t choose_on, finalists, finalists_on, restarts, rounds, refine_on, swaps, exact_edges;
        int masks, own_scores; /* own_scores: 0 or 1 */
        /* acdc */
        double threshold;
        int metric, absolute; /* metric: of hap_metric_with_gradient; absolute: 0 or 1 */
        int64_t measure_on, tries;
        /* subnetwork-probing, ugs */
        double penalty, node_penalty, first_open;
        int64_t samples;
        /* options that do not change the result */
        const char *log, *checkpoint, *threshold_circuit;
        int64_t every;
        int64_t cost_on; /* prompts for the cost of removing each edge; 0: not measured */
        /* options of memory */
        int cache_dtype; /* enum hap_cache_dtype */
        size_t max_memory, threads;
        int weights; /* --weights */
        uint64_t given; /* bit i: constants[i] was; by hap_prune_options_settle */
};

/* How the outputs of the corrupted runs are held: as an enum hap_dtype, or not at all; auto is
 * f32 or none (hap_prune_read). */
enum hap_cache_dtype { HAP_CACHE_NONE = HAP_BF16 + 1, HAP_CACHE_AUTO };
extern const char *const hap_cache_dtypes[]; /* their names */

/* All constants open, no recipe printed. */
void hap_prune_options_init(struct hap_prune_options *options);

/* Takes the recipe, parses what --set gives, fills the constants that are still open with the
 * recipe's values (except those that hap_prune_options_fit fills), and checks what was given.
 * HAP_EUSAGE: a contradiction, or a constant that the recipe does not have. */
int hap_prune_options_settle(struct hap_prune_options *options, const struct hap_recipe *recipe,
                             struct hap_error *err);

/* Fills what depends on the size of the circuit: steps, rounds, restarts and the shares
 * of the rank recipes. n_edges: of the graph. HAP_EUSAGE: a constant of the steps, or of
 * the rounds, was given and there are none. */
int hap_prune_options_fit(struct hap_prune_options *options, size_t n_edges,
                          struct hap_error *err);

/* The settled constants of the recipe, by name, for the circuit's header. New
 * reference, or NULL when memory is short. */
json_t *hap_prune_options_describe(const struct hap_prune_options *options, bool exact);

/* Whether --sparsity or --edges is given. */
bool hap_prune_has_size(const struct hap_prune_options *options);

/* Whether the circuit gets exactly the size asked for. */
bool hap_prune_exact(const struct hap_prune_options *options);

/* The number of edges wanted, and the sparsity, of n_edges; 0 and NaN without a size.
 * HAP_EUSAGE: none, or all. */
int hap_prune_target(const struct hap_prune_options *options, size_t n_edges,
                     size_t *n_target, double *sparsity, struct hap_error *err);

/* Prints what the recipe does and its constants, as --help-recipe does. */
void hap_recipe_print(const struct hap_recipe *recipe, FILE *out);

#endif
