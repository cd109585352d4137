#include "prune/recipes.h"

#include "prune/acdc_recipe.h"
#include "prune/edge_pruning.h"
#include "prune/mask_learner.h"
#include "prune/rank_recipe.h"

const struct hap_recipe hap_recipes[] = {
        {"rank",
         "rank edges by gradients at sampled masks, or refine the circuit of the scores, by size",
         hap_rank_constants, NULL, .exact = true, .ranking = "gradient",
         .run = hap_recipe_rank},
        {"rank-thorough",
         "the same, with four restarts below 128 edges, and swaps of edges while they lower the KL",
         hap_rank_constants,
         (const struct hap_constant_value[]){{"restarts", 4}, {"swaps", 3}, {NULL, 0}},
         .exact = true, .ranking = "gradient", .run = hap_recipe_rank},
        {"edge-pruning",
         "learn hard concrete masks by gradient descent, as Edge Pruning does",
         hap_edge_pruning_constants, NULL, .trains_masks = true,
         .ranking = "open", .run = hap_recipe_edge_pruning},
        {"hap",
         "edge pruning within a subgraph, as in the paper on HAP",
         hap_edge_pruning_constants, NULL, .trains_masks = true, .needs_subgraph = true,
         .ranking = "open", .run = hap_recipe_edge_pruning},
        {"acdc",
         "cut each edge whose removal raises the loss by less than a threshold, as ACDC does",
         hap_acdc_constants, NULL, .sized_by = "threshold",
         .ranking = "effect", .run = hap_recipe_acdc},
        {"subnetwork-probing",
         "learn hard concrete masks with a penalty on open ones, as subnetwork probing does",
         hap_subnetwork_probing_constants, NULL, .sized_by = "penalty", .exact = true,
         .ranking = "open", .run = hap_recipe_subnetwork_probing},
        {"ugs",
         "learn the odds of edges by uniform gradient sampling, with a penalty on open ones",
         hap_ugs_constants, NULL, .sized_by = "penalty", .exact = true,
         .ranking = "open", .run = hap_recipe_ugs},
        {0},
};

const char *hap_recipe_choice(int i, const char **help)
{
        *help = hap_recipes[i].help;
        return hap_recipes[i].name;
}
