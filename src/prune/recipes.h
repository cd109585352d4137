/* The recipes of hap-prune. docs/adding.md shows how to add one. */
#ifndef HAP_PRUNE_RECIPES_H
#define HAP_PRUNE_RECIPES_H

#include "prune/options.h"

/* The first is the default; ended by a row without a name. */
extern const struct hap_recipe hap_recipes[];

/* The choices of an option --recipe (see struct hap_option). */
const char *hap_recipe_choice(int i, const char **help);

#endif
