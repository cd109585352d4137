#include "prune/arguments.h"

#include <string.h>

#include "data/prompts.h"
#include "forward/bf16.h"
#include "prune/recipes.h"

#define FIELD(name) offsetof(struct hap_prune_options, name)

const struct hap_option hap_prune_arguments[] = {
        {0, "sparsity", "P%", HAP_PERCENT, FIELD(sparsity),
         .help = "cut P% of the graph's edges"},
        {0, "edges", "N", HAP_INT, FIELD(edges), .min = 1, .max = INT32_MAX,
         .help = "or keep N edges"},
        {0, "recipe", "NAME", HAP_CHOICE, FIELD(recipe_row), .choice = hap_recipe_choice,
         .help = "prune by this recipe [rank]"},
        {0, "seed", "N", HAP_INT, FIELD(seed), .min = 0, .max = 1e15,
         .help = "draw random numbers with this seed [0]"},
        {0, "steps", "N", HAP_INT, FIELD(steps), .min = 0, .max = 1e9,
         .help = "take N steps [rank: 48, or 0 for 128 edges and more; if masks are learned: 3000]"},
        {0, "batch", "N", HAP_INT, FIELD(batch), .min = 1, .max = 65536,
         .help = "use N prompts for each step [rank: 16; edge-pruning: 32; see --help-recipe]"},
        {0, "ablation", "KIND", HAP_CHOICE, FIELD(ablation), .choice = hap_ablation_choice,
         .help = "replace the values of cut edges in this way [interchange]"},
        {0, "cache-dtype", "NAME", HAP_CHOICE, FIELD(cache_dtype), .choices = hap_cache_dtypes,
         .help = "keep a task's corrupted runs as this; none: run again; auto: f32 if it fits [auto]"},
        {0, "precision", "NAME", HAP_CHOICE, FIELD(precision), .choices = hap_precisions,
         .help = "precision of runs with gradients; auto: bf16 if the processor has it [f32]"},
        {0, "exact-sparsity", NULL, HAP_FLAG, FIELD(exact),
         .help = "end with exactly the edges asked for, none of them dead [rank: always]"},
        {0, "patience", "N", HAP_INT, FIELD(patience), .min = 0, .max = 1e9,
         .help = "stop early if nothing changed for N steps; 0: never [0]"},
        {0, "removal-cost", "N", HAP_INT, FIELD(cost_on), .min = 1, .max = INT32_MAX,
         .help = "also measure what removing each edge costs in KL, on N training prompts"},
        {0, "avoid", "FILE", HAP_TEXTS, FIELD(avoid),
         .help = "find a rival: share few edges with the circuits of FILE"},
        {0, "weight", "X", HAP_REAL, FIELD(weight), .min = 0, .max = 1e9,
         .help = "with --avoid: sharing all of their edges costs as much as a KL of X [0.3]"},
        {0, "threshold-circuit", "FILE", HAP_TEXT, FIELD(threshold_circuit), .unrecorded = true,
         .help = "edge-pruning: also write the circuit that its own threshold leaves"},
        {0, "log", "FILE", HAP_TEXT, FIELD(log), .unrecorded = true,
         .help = "write a line of JSON after each step"},
        {0, "checkpoint", "FILE", HAP_TEXT, FIELD(checkpoint), .unrecorded = true,
         .help = "resume from FILE if it exists; write it when stopped by a signal"},
        {0, "every", "N", HAP_INT, FIELD(every), .min = 1, .max = 1e9, .unrecorded = true,
         .help = "write the checkpoint after every N steps too"},
        {0, "set", "NAME=VALUE", HAP_TEXTS, FIELD(set),
         .help = "set a constant of the recipe"},
        {0, "help-recipe", "NAME", HAP_CHOICE, FIELD(help_recipe), .choice = hap_recipe_choice,
         .unrecorded = true,
         .help = "print the recipe's constants"},
        {0},
};

bool hap_prune_print(const void *options, FILE *out)
{
        const int row = ((const struct hap_prune_options *)options)->help_recipe;

        if (row < 0)
                return false;
        hap_recipe_print(&hap_recipes[row], out);
        return true;
}

static bool is_constant(const struct hap_constant *constants, const char *name, size_t length)
{
        for (const struct hap_constant *c = constants; c->option.name; c++)
                if (strlen(c->option.name) == length && memcmp(c->option.name, name, length) == 0)
                        return true;
        return false;
}

const char *hap_prune_replaced(const char *name, size_t length, char *text)
{
        bool known = false;

        if (length == 3 && memcmp(name, "own", 3) == 0)
                return "--threshold-circuit FILE";
        for (int i = 0; !known && hap_constants[i]; i++)
                known = is_constant(hap_constants[i], name, length);
        if (!known)
                return NULL;
        snprintf(text, 128, "--set %.*s=VALUE", (int)length, name);
        return text;
}
