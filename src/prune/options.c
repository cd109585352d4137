#include "prune/options.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "common/stream.h"

const char *const hap_recipe_names[] = {"rank", "rank-thorough", "edge-pruning", "hap", NULL};
const char *const hap_node_masks_names[] = {"none", "free", "counted", NULL};
const char *const hap_ramp_names[] = {"linear", "logarithmic", NULL};
const char *const hap_mask_kind_names[] = {"concrete", "bernoulli", NULL};

/* STEPS and ROUNDS: of the rank recipes' one half alone. */
enum family { ALL = 3, RANK = 1, CONCRETE = 2, STEPS = 4, ROUNDS = 8 };
enum type { WHOLE, REAL, CHOICE };
enum {
        FITTED = -1,       /* by hap_prune_options_fit */
        MANY_EDGES = 1000, /* of a circuit: more are refined, not sampled */
};

/* Of the circuit's edges, exchanged by the first round of refinement. Where more than
 * 6 % of the graph's edges are kept the last of them matter so little that noise
 * decides between them, so that fewer change. */
#define FIRST_SHARE .06
#define FEW_KEPT .06
#define FIRST_TO_LAST 24

/* Every constant of the recipes: its name as an option, where it stands, and
 * what it is in rank, rank-thorough, edge-pruning and hap. */
static const struct constant {
        const char *name;
        int family;
        enum type type;
        size_t offset;
        double value[4];
        const char *const *choices;
} constants[] = {
#define FIELD(name) offsetof(struct hap_prune_options, name)
        {"steps", ALL, WHOLE, FIELD(steps), {FITTED, FITTED, 3000, 3000}, NULL},
        {"batch", ALL | STEPS, WHOLE, FIELD(batch), {16, 16, 32, 32}, NULL},
        {"patience", ALL | STEPS, WHOLE, FIELD(patience), {0, 0, 0, 0}, NULL},
        {"rate", CONCRETE, REAL, FIELD(rate), {0, 0, .8, .8}, NULL},
        {"node-rate", CONCRETE, REAL, FIELD(node_rate), {0, 0, .8, .8}, NULL},
        {"lambda-rate", CONCRETE, REAL, FIELD(lambda_rate), {0, 0, .8, .8}, NULL},
        {"weight-decay", CONCRETE, REAL, FIELD(weight_decay), {0, 0, .01, .01}, NULL},
        {"clip", CONCRETE, REAL, FIELD(clip), {0, 0, 1, 1}, NULL},
        {"beta1", CONCRETE, REAL, FIELD(beta1), {0, 0, .9, .9}, NULL},
        {"beta2", CONCRETE, REAL, FIELD(beta2), {0, 0, .999, .999}, NULL},
        {"start", CONCRETE, REAL, FIELD(start), {0, 0, 10, 10}, NULL},
        {"start-spread", CONCRETE, REAL, FIELD(start_spread), {0, 0, .01, .01}, NULL},
        {"warmup", CONCRETE, WHOLE, FIELD(warmup), {0, 0, 200, 200}, NULL},
        {"ramp", CONCRETE, WHOLE, FIELD(ramp), {0, 0, 2500, 2500}, NULL},
        {"ramp-kind", CONCRETE, CHOICE, FIELD(ramp_kind), {0, 0, 0, 0}, hap_ramp_names},
        {"node-masks", CONCRETE, CHOICE, FIELD(node_masks), {0, 0, 1, 1}, hap_node_masks_names},
        {"sharpness", RANK | STEPS, REAL, FIELD(sharpness), {1, 1, 0, 0}, NULL},
        {"last-sharpness", RANK | STEPS, REAL, FIELD(last_sharpness), {5, 5, 0, 0}, NULL},
        {"momentum", RANK | STEPS, REAL, FIELD(momentum), {.94, .94, 0, 0}, NULL},
        {"anneal", RANK | STEPS, REAL, FIELD(anneal), {.5, .5, 0, 0}, NULL},
        {"choose-on", RANK, WHOLE, FIELD(choose_on), {32, 32, 0, 0}, NULL},
        {"finalists", RANK, WHOLE, FIELD(finalists), {4, 4, 0, 0}, NULL},
        {"finalists-on", RANK, WHOLE, FIELD(finalists_on), {100, 100, 0, 0}, NULL},
        {"restarts", RANK, WHOLE, FIELD(restarts), {FITTED, FITTED, 0, 0}, NULL},
        {"rounds", RANK, WHOLE, FIELD(rounds), {FITTED, FITTED, 0, 0}, NULL},
        {"refine-on", RANK, WHOLE, FIELD(refine_on), {32, 32, 0, 0}, NULL},
        {"round-sharpness", RANK | ROUNDS, REAL, FIELD(round_sharpness), {30, 30, 0, 0}, NULL},
        {"round-clip", RANK | ROUNDS, REAL, FIELD(round_clip), {10, 10, 0, 0}, NULL},
        {"share", RANK | ROUNDS, REAL, FIELD(share), {FITTED, FITTED, 0, 0}, NULL},
        {"last-share", RANK | ROUNDS, REAL, FIELD(last_share), {FITTED, FITTED, 0, 0}, NULL},
        {"velocity", RANK | ROUNDS, REAL, FIELD(velocity), {.7, .7, 0, 0}, NULL},
        {"swaps", RANK, WHOLE, FIELD(swaps), {0, 3, 0, 0}, NULL},
        {"masks", RANK, CHOICE, FIELD(masks), {0, 0, 0, 0}, hap_mask_kind_names},
#undef FIELD
};
enum { N_CONSTANTS = sizeof constants / sizeof *constants };
_Static_assert(N_CONSTANTS <= 64, "`given` has a bit for each");

static void *field_of(struct hap_prune_options *options, const struct constant *constant)
{
        return (char *)options + constant->offset;
}

static bool is_open(struct hap_prune_options *options, const struct constant *constant)
{
        const void *field = field_of(options, constant);

        switch (constant->type) {
        case WHOLE: return *(const int64_t *)field < 0;
        case REAL: return isnan(*(const double *)field);
        case CHOICE: return *(const int *)field < 0;
        }
        return false;
}

static void set(struct hap_prune_options *options, const struct constant *constant, double value)
{
        void *field = field_of(options, constant);

        switch (constant->type) {
        case WHOLE: *(int64_t *)field = (int64_t)value; break;
        case REAL: *(double *)field = value; break;
        case CHOICE: *(int *)field = (int)value; break;
        }
}

static enum family family_of(int recipe)
{
        return recipe == HAP_RECIPE_RANK || recipe == HAP_RECIPE_RANK_THOROUGH ? RANK : CONCRETE;
}

void hap_prune_options_init(struct hap_prune_options *options)
{
        *options = (struct hap_prune_options){0};
        for (int i = 0; i < N_CONSTANTS; i++)
                set(options, &constants[i], constants[i].type == REAL ? (double)NAN : -1);
}

/* A shorter run than the recipe's has a shorter warm-up and ramp. */
static void shorten(struct hap_prune_options *options, bool warmup_given, bool ramp_given)
{
        double share = (double)options->steps / 3000;

        if (family_of(options->recipe) != CONCRETE || options->steps == 3000)
                return;
        if (!warmup_given)
                options->warmup = (int64_t)lround((double)options->warmup * share);
        if (!ramp_given)
                options->ramp = (int64_t)lround((double)options->ramp * share);
}

static bool was_given(const struct hap_prune_options *options, const char *name)
{
        for (int i = 0; i < N_CONSTANTS; i++)
                if (strcmp(constants[i].name, name) == 0)
                        return options->given >> i & 1;
        return false;
}

int hap_prune_options_settle(struct hap_prune_options *options, struct hap_error *err)
{
        const char *recipe = hap_recipe_names[options->recipe];
        enum family family = family_of(options->recipe);
        bool warmup_given = options->warmup >= 0, ramp_given = options->ramp >= 0;

        options->given = 0;
        for (int i = 0; i < N_CONSTANTS; i++) {
                if (is_open(options, &constants[i])) {
                        set(options, &constants[i], constants[i].value[options->recipe]);
                        continue;
                }
                options->given |= (uint64_t)1 << i;
                if (!(constants[i].family & (int)family))
                        return hap_fail(err, HAP_EUSAGE, "--%s has no meaning in recipe '%s'",
                                        constants[i].name, recipe);
        }
        shorten(options, warmup_given, ramp_given);
        if (options->sparsity.given == (options->edges > 0))
                return hap_fail(err, HAP_EUSAGE, "give the size of the circuit, either as "
                                                 "--sparsity P%% or as --edges N");
        if (options->node_sparsity.given &&
            (family != CONCRETE || options->node_masks == HAP_NODES_NONE))
                return hap_fail(err, HAP_EUSAGE, "--node-sparsity needs a recipe with node masks");
        if (options->node_sparsity.given && options->node_sparsity.value >= 100)
                return hap_fail(err, HAP_EUSAGE, "--node-sparsity leaves no writer: ask for less");
        if (was_given(options, "node-rate") && options->node_masks == HAP_NODES_NONE)
                return hap_fail(err, HAP_EUSAGE, "--node-rate is for node masks, and there are none");
        if (options->from_scores && family != CONCRETE)
                return hap_fail(err, HAP_EUSAGE, "recipe '%s' starts from scores whenever it is "
                                                 "given some, without --from-scores", recipe);
        if (options->own && (family != CONCRETE || !options->exact))
                return hap_fail(err, HAP_EUSAGE, "--own writes what recipe edge-pruning's own "
                                                 "threshold leaves, beside --exact-sparsity");
        if (options->every > 0 && !options->checkpoint)
                return hap_fail(err, HAP_EUSAGE, "--every says how often to write a checkpoint, "
                                                 "and needs --checkpoint FILE");
        return HAP_OK;
}

/* What was given for the half of the recipe that the circuit's size leaves out. */
static int refuse_unused(const struct hap_prune_options *options, size_t n_target,
                         struct hap_error *err)
{
        const int unused = (options->steps == 0 ? STEPS : 0) | (options->rounds == 0 ? ROUNDS : 0);

        for (int i = 0; i < N_CONSTANTS; i++) {
                const int family = constants[i].family & unused;

                if (family && options->given >> i & 1)
                        return hap_fail(err, HAP_EUSAGE, "--%s is for %s, and for %zu edges there "
                                        "are none: give --%s too", constants[i].name,
                                        family == STEPS ? "steps" : "rounds", n_target,
                                        family == STEPS ? "steps" : "rounds");
        }
        return HAP_OK;
}

int hap_prune_options_fit(struct hap_prune_options *options, size_t n_edges,
                          struct hap_error *err)
{
        const bool thorough = options->recipe == HAP_RECIPE_RANK_THOROUGH;
        const double few = fmax(1, round(FEW_KEPT * (double)n_edges));
        size_t n_target;
        double sparsity;
        int rc = hap_prune_target(options, n_edges, &n_target, &sparsity, err);

        if (rc < 0 || family_of(options->recipe) != RANK)
                return rc;
        if (options->steps < 0)
                options->steps = n_target >= MANY_EDGES ? 0 : 48;
        if (options->rounds < 0)
                options->rounds = n_target < MANY_EDGES ? 0 : 36;
        if (options->share < 0)
                options->share = FIRST_SHARE * pow(fmin(1, few / (double)n_target), 2);
        if (options->last_share < 0)
                options->last_share = options->share / FIRST_TO_LAST;
        if (options->restarts < 0)
                options->restarts = thorough && options->steps > 0 ? 4 : 1;
        if (options->steps == 0 && options->restarts > 1)
                return hap_fail(err, HAP_EUSAGE, "--restarts repeats the steps, and for %zu edges "
                                                 "there are none: give --steps", n_target);
        return refuse_unused(options, n_target, err);
}

static json_t *value_of(const struct hap_prune_options *options, const struct constant *constant)
{
        const void *field = (const char *)options + constant->offset;

        switch (constant->type) {
        case WHOLE: return json_integer(*(const int64_t *)field);
        case REAL: return json_real(*(const double *)field);
        case CHOICE: return json_string(constant->choices[*(const int *)field]);
        }
        return NULL;
}

bool hap_prune_exact(const struct hap_prune_options *options)
{
        return options->exact || family_of(options->recipe) == RANK;
}

json_t *hap_prune_options_describe(const struct hap_prune_options *options, bool exact)
{
        json_t *description = json_object();
        enum family family = family_of(options->recipe);
        int rc = 0;

        for (int i = 0; i < N_CONSTANTS; i++) {
                if (constants[i].family & family)
                        rc |= json_object_set_new(description, constants[i].name,
                                                  value_of(options, &constants[i]));
        }
        rc |= json_object_set_new(description, "exact-sparsity", json_boolean(exact));
        rc |= json_object_set_new(description, "cache-dtype", json_string(hap_dtype_name(
                                  (enum hap_dtype)options->cache_dtype)));
        if (family == CONCRETE) {
                rc |= json_object_set_new(description, "from-scores",
                                          json_boolean(options->from_scores));
                if (options->node_sparsity.given)
                        rc |= json_object_set_new(description, "node-sparsity",
                                                  json_real(options->node_sparsity.value / 100));
        }
        if (rc < 0) {
                json_decref(description);
                return NULL;
        }
        return description;
}

int hap_prune_target(const struct hap_prune_options *options, size_t n_edges,
                     size_t *n_target, double *sparsity, struct hap_error *err)
{
        if (options->edges > 0) {
                *n_target = (size_t)options->edges;
                *sparsity = 1 - (double)*n_target / (double)n_edges;
        } else {
                *sparsity = options->sparsity.value / 100;
                *n_target = (size_t)llround((1 - *sparsity) * (double)n_edges);
        }
        if (*n_target == 0)
                return hap_fail(err, HAP_EUSAGE, "a sparsity of %g%% leaves none of %zu edges: "
                                                 "ask for less", *sparsity * 100, n_edges);
        if (*n_target >= n_edges)
                return hap_fail(err, HAP_EUSAGE, "%zu edges of %zu are no circuit: ask for fewer",
                                *n_target, n_edges);
        return HAP_OK;
}
