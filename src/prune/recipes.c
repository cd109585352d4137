#include "prune/recipes.h"

#include "prune/edge_pruning.h"
#include "prune/rank_recipe.h"

int hap_pruning_run(struct hap_pruning *pruning, struct hap_error *err)
{
        switch (pruning->options->recipe) {
        case HAP_RECIPE_EDGE_PRUNING:
        case HAP_RECIPE_HAP:
                return hap_recipe_edge_pruning(pruning, err);
        default:
                return hap_recipe_rank(pruning, err);
        }
}
