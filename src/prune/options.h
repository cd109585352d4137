/* What a pruning is asked for, and the recipes: named sets of such choices. */
#ifndef HAP_PRUNE_OPTIONS_H
#define HAP_PRUNE_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/number.h"

enum hap_recipe {
        HAP_RECIPE_RANK,          /* rank sampling */
        HAP_RECIPE_RANK_THOROUGH, /* several of them, then swaps */
        HAP_RECIPE_EDGE_PRUNING,  /* hard concrete masks learned by AdamW */
        HAP_RECIPE_HAP,           /* the same inside a subgraph */
};
enum hap_node_masks {
        HAP_NODES_NONE,
        HAP_NODES_FREE,    /* sparsity counts edges' own masks */
        HAP_NODES_COUNTED, /* an edge counts as edge × node */
};
enum hap_ramp { HAP_RAMP_LINEAR, HAP_RAMP_LOGARITHMIC };
enum hap_mask_kind { HAP_MASKS_CONCRETE, HAP_MASKS_BERNOULLI };

extern const char *const hap_recipe_names[], *const hap_node_masks_names[],
        *const hap_ramp_names[], *const hap_mask_kind_names[]; /* NULL-terminated */

/* Whole numbers below 0 and reals that are NaN are left to the recipe. */
struct hap_prune_options {
        int recipe, ablation;
        struct hap_count_or_percent sparsity; /* P% */
        int64_t edges;              /* or so many edges; 0: not given */
        int64_t steps, batch, seed, patience;
        bool exact, from_scores;
        /* edge-pruning, hap */
        double rate, node_rate, lambda_rate, weight_decay, clip;
        double beta1, beta2; /* of AdamW */
        double start, start_spread; /* logα ~ N(start, spread) */
        int64_t warmup, ramp;
        int ramp_kind, node_masks;
        struct hap_count_or_percent node_sparsity; /* P%, turns the node loss on */
        /* rank, rank-thorough */
        double sharpness, last_sharpness, momentum, anneal;
        double round_sharpness, round_clip, share, last_share, velocity; /* of refinement */
        int64_t choose_on, finalists, finalists_on, restarts, rounds, refine_on, swaps;
        int masks;
        /* that leave the result as it is */
        const char *log, *checkpoint, *own;
        int64_t every;
        /* of memory */
        int cache_dtype; /* enum hap_dtype */
        size_t max_memory, threads;
        uint64_t given; /* which of the constants; by hap_prune_options_settle */
};

/* Everything left open. */
void hap_prune_options_init(struct hap_prune_options *options);

/* Fills what was left open, but for what hap_prune_options_fit fills, with the
 * recipe's values and checks what was given:
 * HAP_EUSAGE for what contradicts itself or has no meaning in the recipe. */
int hap_prune_options_settle(struct hap_prune_options *options, struct hap_error *err);

/* Steps and rounds of the rank recipes, where left open, by the size of the
 * circuit wanted of n_edges. HAP_EUSAGE when something was given that is for steps or
 * rounds, and there are none. */
int hap_prune_options_fit(struct hap_prune_options *options, size_t n_edges,
                          struct hap_error *err);

/* The settled options that have a meaning in the recipe. New reference. */
json_t *hap_prune_options_describe(const struct hap_prune_options *options, bool exact);

/* Whether the circuit gets the size asked for. */
bool hap_prune_exact(const struct hap_prune_options *options);

/* The number of edges wanted of n_edges: HAP_EUSAGE when it is none or all. */
int hap_prune_target(const struct hap_prune_options *options, size_t n_edges,
                     size_t *n_target, double *sparsity, struct hap_error *err);

#endif
