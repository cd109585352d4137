#include "prune/options.h"

#include <math.h>
#include <string.h>

#include "common/nearest.h"
#include "common/tensor.h"
#include "forward/ablation.h"

enum { MANY_EDGES = 128 }; /* of a circuit: from here on it is refined, not sampled */

/* The fraction of the circuit's edges that the first round of refinement exchanges, of a circuit
 * of MANY_EDGES or more at most MANY_FIRST_SHARE. If more than FEW_KEPT of the graph's edges are
 * kept, the last of them matter so little that noise decides between them, so fewer are exchanged. */
#define FIRST_SHARE .06
#define MANY_FIRST_SHARE .02
#define FEW_KEPT .06
#define FIRST_TO_LAST 24

static bool is_last(const struct hap_constant *constant)
{
        return !constant->option.name;
}

static void *field_of(struct hap_prune_options *options, const struct hap_constant *constant)
{
        return (char *)options + constant->option.offset;
}

static bool is_open(const struct hap_prune_options *options, const struct hap_constant *constant)
{
        const void *field = (const char *)options + constant->option.offset;

        switch (constant->option.type) {
        case HAP_INT: return *(const int64_t *)field < 0;
        case HAP_REAL: return isnan(*(const double *)field);
        case HAP_CHOICE: return *(const int *)field < 0;
        default: return !((const struct hap_count_or_percent *)field)->given;
        }
}

static void set_value(struct hap_prune_options *options, const struct hap_constant *constant,
                      double value)
{
        void *field = field_of(options, constant);

        switch (constant->option.type) {
        case HAP_INT: *(int64_t *)field = (int64_t)value; break;
        case HAP_REAL: *(double *)field = value; break;
        case HAP_CHOICE: *(int *)field = (int)value; break;
        default: break; /* a percentage that is not given stays so */
        }
}

static void leave_open(struct hap_prune_options *options, const struct hap_constant *constants)
{
        for (const struct hap_constant *c = constants; !is_last(c); c++)
                set_value(options, c, c->option.type == HAP_REAL ? (double)NAN : -1);
}

const char *const hap_cache_dtypes[] = {"f32", "f16", "bf16", "none", "auto", NULL};

void hap_prune_options_init(struct hap_prune_options *options)
{
        *options = (struct hap_prune_options){.help_recipe = -1, .weight = NAN,
                                              .cache_dtype = HAP_CACHE_AUTO};
        for (int i = 0; hap_constants[i]; i++)
                leave_open(options, hap_constants[i]);
}

static const struct hap_constant *find_constant(const struct hap_recipe *recipe, const char *name,
                                                size_t length)
{
        const struct hap_constant *c = recipe->constants;

        while (!is_last(c) && (strlen(c->option.name) != length ||
                               memcmp(c->option.name, name, length) != 0))
                c++;
        return is_last(c) ? NULL : c;
}

static int fail_unknown(const struct hap_recipe *recipe, const char *name, size_t length,
                        struct hap_error *err)
{
        struct hap_nearest best = {NULL, 0};

        for (const struct hap_constant *c = recipe->constants; !is_last(c); c++)
                hap_nearest_try(&best, name, length, c->option.name);
        hap_fail(err, HAP_EUSAGE, "recipe '%s' has no constant '%.*s'", recipe->name,
                 length > 64 ? 64 : (int)length, name);
        hap_fail_meant(err, &best);
        return hap_fail_after(err, "%s see hap-prune --help-recipe %s", best.name ? "" : ";",
                              recipe->name);
}

/* The value of an argument NAME=VALUE of --set. */
static int set_constant(struct hap_prune_options *options, const char *text,
                        struct hap_error *err)
{
        const char *equals = strchr(text, '=');
        const size_t length = equals ? (size_t)(equals - text) : strlen(text);
        const struct hap_recipe *recipe = options->recipe;
        const struct hap_constant *constant = find_constant(recipe, text, length);
        char what[96];

        if (!equals)
                return hap_fail(err, HAP_EUSAGE, "option '--set' takes NAME=VALUE, not '%.64s'",
                                text);
        if (!constant)
                return fail_unknown(recipe, text, length, err);
        if (constant->plain)
                return hap_fail(err, HAP_EUSAGE, "'%s' is not set by --set; use --%s",
                                constant->option.name, constant->option.name);
        snprintf(what, sizeof what, "constant '%s' of recipe '%s'", constant->option.name,
                 recipe->name);
        return hap_option_set(&constant->option, options, what, equals + 1, err);
}

static double usual_value(const struct hap_recipe *recipe, const struct hap_constant *constant)
{
        for (const struct hap_constant_value *v = recipe->values; v && v->name; v++)
                if (strcmp(v->name, constant->option.name) == 0)
                        return v->value;
        return constant->value;
}

/* Whether the value is left to hap_prune_options_fit. */
static bool is_fitted(const struct hap_constant *constant)
{
        return constant->fitted && constant->value == 0;
}

static bool was_given(const struct hap_prune_options *options, const char *name)
{
        const struct hap_constant *c = find_constant(options->recipe, name, strlen(name));

        return c && options->given >> (c - options->recipe->constants) & 1;
}

static bool is_of_another(const struct hap_prune_options *options, const struct hap_constant *c)
{
        return !find_constant(options->recipe, c->option.name, strlen(c->option.name));
}

/* HAP_EUSAGE: an option is given whose constant only other recipes have. */
static int refuse_others(const struct hap_prune_options *options, struct hap_error *err)
{
        for (int i = 0; hap_constants[i]; i++)
                for (const struct hap_constant *c = hap_constants[i]; !is_last(c); c++)
                        if (c->plain && is_of_another(options, c) && !is_open(options, c))
                                return hap_fail(err, HAP_EUSAGE, "recipe '%s' does not use --%s",
                                                options->recipe->name, c->option.name);
        return HAP_OK;
}

/* The constants that only other recipes have are 0. */
static void clear_others(struct hap_prune_options *options)
{
        for (int i = 0; hap_constants[i]; i++)
                for (const struct hap_constant *c = hap_constants[i]; !is_last(c); c++)
                        if (is_of_another(options, c))
                                set_value(options, c, 0);
}

/* Only constants of the recipe can have been given by --set. */
static void fill_constants(struct hap_prune_options *options)
{
        const struct hap_constant *first = options->recipe->constants;

        options->given = 0;
        for (const struct hap_constant *c = first; !is_last(c); c++) {
                if (!is_open(options, c))
                        options->given |= (uint64_t)1 << (c - first);
                else if (!is_fitted(c))
                        set_value(options, c, usual_value(options->recipe, c));
        }
}

/* A run shorter or longer than the recipe's has a warm-up and ramp in proportion. */
static void scale_ramp(struct hap_prune_options *options)
{
        const double share = (double)options->steps / 3000;

        if (!options->recipe->trains_masks)
                return;
        if (!was_given(options, "warmup"))
                options->warmup = (int64_t)lround((double)options->warmup * share);
        if (!was_given(options, "ramp"))
                options->ramp = (int64_t)lround((double)options->ramp * share);
}

static int check_node_masks(const struct hap_prune_options *options, struct hap_error *err)
{
        const bool none = options->node_masks == HAP_NODES_NONE;

        if (options->node_sparsity.given && none)
                return hap_fail(err, HAP_EUSAGE, "node-sparsity needs node masks, and node-masks "
                                                 "is none");
        if (options->node_sparsity.given && options->node_sparsity.value >= 100)
                return hap_fail(err, HAP_EUSAGE, "a node-sparsity of 100%% leaves no writer: "
                                                 "ask for less");
        if (was_given(options, "node-rate") && none)
                return hap_fail(err, HAP_EUSAGE, "node-rate needs node masks, and node-masks is "
                                                 "none");
        return HAP_OK;
}

bool hap_prune_has_size(const struct hap_prune_options *options)
{
        return options->sparsity.given || options->edges > 0;
}

static int check_size(const struct hap_prune_options *options, struct hap_error *err)
{
        const char *by = options->recipe->sized_by;
        const struct hap_constant *constant =
                by ? find_constant(options->recipe, by, strlen(by)) : NULL;
        const bool two = options->sparsity.given && options->edges > 0;

        if (two || (!by && !hap_prune_has_size(options)))
                return hap_fail(err, HAP_EUSAGE, "give the size of the circuit, either as "
                                                 "--sparsity P%% or as --edges N");
        if (by && is_fitted(constant) && was_given(options, by) == hap_prune_has_size(options))
                return hap_fail(err, HAP_EUSAGE, "give either --set %s=X, from which the size of "
                                "the circuit follows, or the size, as --sparsity P%% or as --edges "
                                "N", by);
        if (by && options->exact)
                return hap_fail(err, HAP_EUSAGE, "recipe '%s' does not use --exact-sparsity: give "
                                "the size alone", options->recipe->name);
        return HAP_OK;
}

int hap_prune_options_settle(struct hap_prune_options *options, const struct hap_recipe *recipe,
                             struct hap_error *err)
{
        options->recipe = recipe;
        for (size_t i = 0; i < options->set.n; i++)
                if (set_constant(options, options->set.items[i], err) < 0)
                        return err->code;
        fill_constants(options);
        if (refuse_others(options, err) < 0)
                return err->code;
        clear_others(options);
        scale_ramp(options);
        if (check_size(options, err) < 0)
                return err->code;
        if (recipe->trains_masks && check_node_masks(options, err) < 0)
                return err->code;
        if (options->threshold_circuit && (!recipe->trains_masks || !options->exact))
                return hap_fail(err, HAP_EUSAGE, "--threshold-circuit needs --exact-sparsity and "
                                                 "a recipe that trains masks: edge-pruning or hap");
        if (options->seeds > 1 &&
            (options->log || options->checkpoint || options->threshold_circuit))
                return hap_fail(err, HAP_EUSAGE, "--seeds cannot be combined with --log, "
                                "--checkpoint or --threshold-circuit, which are of one circuit");
        if (options->seeds < 1)
                options->seeds = 1;
        if (!isnan(options->weight) && options->avoid.n == 0)
                return hap_fail(err, HAP_EUSAGE, "--weight needs --avoid FILE");
        if (isnan(options->weight))
                options->weight = HAP_PRUNE_WEIGHT;
        if (options->every > 0 && !options->checkpoint)
                return hap_fail(err, HAP_EUSAGE, "--every needs --checkpoint FILE");
        return HAP_OK;
}

/* HAP_EUSAGE if a constant was given for the steps, or the rounds, and there are none. */
static int refuse_unused(const struct hap_prune_options *options, size_t n_target,
                         struct hap_error *err)
{
        const unsigned unused = (options->steps == 0 ? HAP_STEPS : 0) |
                                (options->rounds == 0 ? HAP_ROUNDS : 0);
        const struct hap_constant *first = options->recipe->constants;

        for (const struct hap_constant *c = first; !is_last(c); c++)
                if (c->part & unused && options->given >> (c - first) & 1)
                        return hap_fail(err, HAP_EUSAGE, "%s has no effect: a circuit of %zu edges "
                                        "is found without %s; give %s too", c->option.name,
                                        n_target, c->part == HAP_STEPS ? "steps" : "rounds",
                                        c->part == HAP_STEPS ? "--steps N" : "--set rounds=N");
        return HAP_OK;
}

/* The rates of uniform gradient sampling are those of its authors' program. */
static void fit_penalties(struct hap_prune_options *options)
{
        const bool pairs = hap_ablations[options->ablation] == &hap_interchange;
        const double penalty = options->penalty;

        if (isnan(options->rate))
                options->rate = (penalty <= 1e-4 ? .15 : penalty <= 5e-4 ? .1 : .05) /
                                (pairs ? 5 : 1);
        if (isnan(options->node_penalty))
                options->node_penalty = fmin(penalty / 2, 2e-4);
}

int hap_prune_options_fit(struct hap_prune_options *options, size_t n_edges,
                          struct hap_error *err)
{
        const double few = fmax(1, round(FEW_KEPT * (double)n_edges));
        const struct hap_constant *restarts = find_constant(options->recipe, "restarts", 8);
        size_t n_target;
        double sparsity;
        int rc = hap_prune_target(options, n_edges, &n_target, &sparsity, err);

        fit_penalties(options);
        if (rc < 0 || !restarts)
                return rc;
        if (options->steps < 0)
                options->steps = n_target >= MANY_EDGES ? 0 : 48;
        if (options->rounds < 0)
                options->rounds = n_target >= MANY_EDGES ? 36 : options->steps > 0 ? 18 : 0;
        if (options->refine_on < 0)
                options->refine_on = n_target < MANY_EDGES && options->steps > 0
                                             ? HAP_PRUNE_ROUND / 2 : HAP_PRUNE_ROUND;
        if (isnan(options->share))
                options->share = fmin(FIRST_SHARE * pow(fmin(1, few / (double)n_target), 2),
                                      n_target >= MANY_EDGES ? MANY_FIRST_SHARE : 1);
        if (isnan(options->last_share))
                options->last_share = options->share / FIRST_TO_LAST;
        if (options->restarts < 0)
                options->restarts =
                        options->steps > 0
                                ? (int64_t)fmax(1, usual_value(options->recipe, restarts)) : 1;
        if (options->steps == 0 && options->restarts > 1)
                return hap_fail(err, HAP_EUSAGE, "restarts repeat the steps, and a circuit of %zu "
                                "edges is found without steps: give --steps N too", n_target);
        return refuse_unused(options, n_target, err);
}

bool hap_prune_exact(const struct hap_prune_options *options)
{
        return options->exact || (options->recipe->exact && hap_prune_has_size(options));
}

static json_t *constant_value(const struct hap_prune_options *options, const struct hap_constant *c)
{
        const void *field = (const char *)options + c->option.offset;

        switch (c->option.type) {
        case HAP_INT: return json_integer(*(const int64_t *)field);
        case HAP_REAL: return json_real(*(const double *)field);
        case HAP_CHOICE: return json_string(hap_option_choice(&c->option, *(const int *)field));
        default: return NULL;
        }
}

json_t *hap_prune_options_describe(const struct hap_prune_options *options, bool exact)
{
        json_t *description = json_object();
        int rc = 0;

        for (const struct hap_constant *c = options->recipe->constants; !is_last(c); c++)
                if (c->option.type != HAP_PERCENT && !is_open(options, c) &&
                    c->option.offset != offsetof(struct hap_prune_options, from_scores))
                        rc |= json_object_set_new(description, c->option.name,
                                                  constant_value(options, c));
        rc |= json_object_set_new(description, "exact-sparsity", json_boolean(exact));
        rc |= json_object_set_new(description, "cache-dtype", json_string(
                                  hap_cache_dtypes[options->cache_dtype]));
        if (options->recipe->trains_masks) {
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
        if (!hap_prune_has_size(options)) {
                *n_target = 0;
                *sparsity = (double)NAN;
                return HAP_OK;
        }
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
                return hap_fail(err, HAP_EUSAGE, "a circuit of %zu edges keeps the whole graph of "
                                "%zu edges: ask for fewer", *n_target, n_edges);
        return HAP_OK;
}

static void print_value(const struct hap_recipe *recipe, const struct hap_constant *c, FILE *out)
{
        const double value = usual_value(recipe, c);

        if (c->option.type == HAP_CHOICE)
                fputs(hap_option_choice(&c->option, (int)value), out);
        else if (c->fitted && value == c->value)
                fputs(c->fitted, out);
        else
                fprintf(out, "%g", value);
}

static void print_constant(const struct hap_recipe *recipe, const struct hap_constant *c,
                           FILE *out)
{
        char words[80];

        snprintf(words, sizeof words, c->plain ? "  --%s %s" : "  %s=%s", c->option.name,
                 c->option.argument);
        fprintf(out, "%-28s %s [", words, c->option.help);
        print_value(recipe, c, out);
        fputc(']', out);
        hap_option_print_type(&c->option, out);
        fputc('\n', out);
}

/* Prints the constants that have options of their own, or the others, under a title. */
static void print_constants(const struct hap_recipe *recipe, bool plain, const char *title,
                            FILE *out)
{
        bool any = false;

        for (const struct hap_constant *c = recipe->constants; !is_last(c); c++) {
                if (c->plain != plain)
                        continue;
                if (!any)
                        fprintf(out, "\n%s:\n", title);
                any = true;
                print_constant(recipe, c, out);
        }
}

void hap_recipe_print(const struct hap_recipe *recipe, FILE *out)
{
        fprintf(out, "%s: %s\n", recipe->name, recipe->help);
        print_constants(recipe, true, "Options", out);
        print_constants(recipe, false, "Constants, for --set NAME=VALUE", out);
}
