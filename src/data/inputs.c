#include "data/inputs.h"

#include <stdlib.h>
#include <string.h>

#include "common/header.h"
#include "common/program.h"
#include "data/inputs_memory.h"
#include "data/same_graph.h"
#include "forward/engine.h"
#include "graph/graph_json.h"
#include "model/description.h"
#include "model/model_open.h"

/* A second section of a kind of which one is taken. */
static int fail_second(const char *name, const char *what, const char *first,
                       struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': '%s' already contains %s", name, first,
                        what);
}

/* --- the engine --- */

/* Loads the weights once the prompts are known to fit. */
static int load_weights(struct hap_inputs *inputs, struct hap_error *err)
{
        if (hap_inputs_count_prompts(inputs) &&
            hap_memory_check_model(&inputs->memory, &inputs->model, &inputs->form, err) < 0)
                return err->code;
        hap_model_release(&inputs->model);
        inputs->config_only = false;
        return hap_model_open_for(&inputs->model, inputs->want.model_path, inputs->header,
                                  inputs->name, &inputs->weights, err);
}

/* The positions of a task's graph are those that the option names. */
static int settle_positions(struct hap_inputs *inputs, struct hap_error *err)
{
        const char *positions = inputs->want.positions;

        if (!positions || !inputs->loader)
                return HAP_OK;
        return hap_examples_positions(hap_loader_examples(inputs->loader), positions,
                                      &inputs->form.positions, err);
}

static int make_engine(struct hap_inputs *inputs, struct hap_error *err)
{
        int rc;

        if (inputs->engine.model)
                return HAP_OK;
        if ((rc = settle_positions(inputs, err)) < 0)
                return rc;
        if (inputs->model_unknown) /* fails, and says that -m is needed */
                return hap_model_open_for(&inputs->model, NULL, inputs->header, inputs->name,
                                          &inputs->weights, err);
        if ((rc = hap_inputs_settle_outputs(inputs, err)) < 0)
                return rc;
        if (inputs->config_only && (rc = load_weights(inputs, err)) < 0)
                return rc;
        return hap_engine_init(&inputs->engine, &inputs->model, &inputs->form, err);
}

/* --- the sections --- */

/* A cache of interchange contains activations that may not fit in memory: it is read in parts. If
 * a section that is wanted may follow, the rest of the input is read before it. */
static bool keeps_cache(const struct hap_inputs *inputs)
{
        return inputs->want.circuits > 0 || inputs->want.scores > 0;
}

/* Opens the model as soon as a stream or -m names it. */
static int open_model(struct hap_inputs *inputs, const char *name, const json_t *header,
                      struct hap_error *err)
{
        const struct hap_weights_want *weights = &inputs->weights;
        const char *path;
        int rc;

        if (inputs->header && !inputs->model_unknown)
                return hap_model_check(&inputs->model, header, name, err);
        if (hap_header_is(header, "task") && !inputs->want.model_path && !hap_header_model(header))
                inputs->want.model_path = hap_named_model(inputs->in, inputs->found_model);
        path = inputs->want.model_path;
        inputs->model_unknown = hap_header_is(header, "task") && !inputs->want.each_task && !path &&
                                hap_model_is_unknown(header);
        if (inputs->model_unknown)
                return HAP_OK;
        inputs->config_only = inputs->memory.max_bytes > 0;
        rc = inputs->config_only
                     ? hap_model_open_config_for(&inputs->model, path, header, name, weights, err)
                     : hap_model_open_for(&inputs->model, path, header, name, weights, err);
        return rc < 0 && path && path == inputs->found_model
                       ? hap_fail_after(err, "; a file of the input names this model; use -m MODEL for "
                                        "another") : rc;
}

/* Whether two headers describe the same task, as far as both do. */
static bool same_task(const json_t *one, const json_t *other)
{
        const json_t *a = json_object_get(one, "task"), *b = json_object_get(other, "task");

        return !a || !b || json_equal(a, b);
}

/* A task that was not used yet is replaced only by its own cache. */
static int replace_examples(struct hap_inputs *inputs, const json_t *header,
                            struct hap_error *err)
{
        const char *name = hap_stream_in_name(inputs->in);
        const bool second = inputs->header && !inputs->want.each_task;
        int rc;

        if (second && (hap_header_is(inputs->header, "cache") || hap_header_is(header, "task")))
                return fail_second(name, "examples", inputs->name, err);
        if (second && !same_task(inputs->header, header))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': it is not the cache of the task in '%s'", name,
                                inputs->name);
        if ((rc = open_model(inputs, name, header, err)) < 0)
                return rc;
        hap_loader_close(inputs->loader);
        inputs->loader = NULL;
        json_decref(inputs->header);
        free(inputs->name);
        inputs->header = json_deep_copy(header);
        inputs->name = strdup(name);
        return inputs->header && inputs->name ? HAP_OK : hap_fail_memory(err, "a header");
}

/* The shape of the graph: a cache brings it, a task gets it from the options. */
static int settle_form(struct hap_inputs *inputs, bool is_cache, struct hap_error *err)
{
        const struct hap_inputs_want *want = &inputs->want;

        if (is_cache && want->positions)
                return hap_fail(err, HAP_EUSAGE, "--positions is for a task: the positions of "
                                "'%s' were chosen with hap-forward", inputs->name);
        inputs->form.split_input |= want->split_input;
        inputs->form.experts |= want->experts;
        if (is_cache &&
            hap_header_form(inputs->header, inputs->name, &inputs->form, err) < 0)
                return err->code;
        if ((want->split_input && !inputs->form.split_input) ||
            (want->experts && !inputs->form.experts))
                return hap_fail(err, HAP_EUSAGE, "%s is for a task: hap-forward wrote '%s' without "
                                "it", want->split_input && !inputs->form.split_input
                                ? "--split-input" : "--experts", inputs->name);
        return HAP_OK;
}

/* A cache whose prompts are needed after the sections that follow. */
static int defer_cache(struct hap_inputs *inputs, struct hap_error *err)
{
        const int rc = inputs->want.batches ? hap_stream_in_again(inputs->in, &inputs->again, err) : 0;

        if (rc == 0) {
                inputs->waiting = true;
                inputs->memory.batches = 0; /* all its prompts */
        }
        return rc < 0 ? rc : HAP_OK;
}

static int read_examples(struct hap_inputs *inputs, const json_t *header, struct hap_error *err)
{
        const bool is_cache = hap_header_is(header, "cache");
        const bool now = is_cache && inputs->want.prompts.ablation->per_prompt;
        int rc = replace_examples(inputs, header, err);

        if (rc < 0 || inputs->model_unknown)
                return rc;
        if (now && keeps_cache(inputs) && (rc = defer_cache(inputs, err)) < 0)
                return rc;
        if ((rc = settle_form(inputs, is_cache, err)) < 0 ||
            (is_cache && (rc = make_engine(inputs, err)) < 0))
                return rc;
        rc = hap_loader_open(&inputs->loader, inputs->again ? inputs->again : inputs->in, header,
                             &inputs->model, &inputs->want.prompts,
                             inputs->memory.max_bytes ? &inputs->memory : NULL, err);
        inputs->in_parts = inputs->want.each_task || (now && !keeps_cache(inputs));
        return rc < 0 || !inputs->waiting ? rc
                                          : hap_loader_next(inputs->loader, &inputs->engine, 0,
                                                            &inputs->prompts, err);
}

static int read_constants(struct hap_inputs *inputs, const json_t *header, struct hap_error *err)
{
        if (!inputs->want.prompts.ablation->learned)
                return HAP_OK;
        if (inputs->constants.values)
                return fail_second(hap_stream_in_name(inputs->in), "constants",
                                   inputs->constants.name, err);
        if (hap_constants_read(inputs->in, header, &inputs->constants, err) < 0)
                return err->code;
        inputs->form.split_input |= inputs->constants.graph.split_input; /* no positions */
        inputs->form.experts |= inputs->constants.graph.n_experts > 0;
        return HAP_OK;
}

static int read_edges(struct hap_inputs *inputs, struct hap_edges_list *list, size_t max,
                      const char *what, const json_t *header, struct hap_error *err)
{
        struct hap_edges edges;

        if (max == 0)
                return HAP_OK;
        if (list->n >= max)
                return fail_second(hap_stream_in_name(inputs->in), what, list->items->name, err);
        if (hap_edges_read(inputs->in, header, &edges, err) < 0)
                return err->code;
        hap_graph_form_join(&inputs->form, &edges.graph);
        return hap_edges_list_add(list, &edges, err);
}

static int read_section(struct hap_inputs *inputs, const json_t *header, struct hap_error *err)
{
        if (hap_header_is(header, "task") || (hap_header_is(header, "cache") && !inputs->want.each_task))
                return read_examples(inputs, header, err);
        if (hap_header_is(header, "circuit"))
                return read_edges(inputs, &inputs->circuits, inputs->want.circuits, "a circuit",
                                  header, err);
        if (hap_header_is(header, "scores"))
                return read_edges(inputs, &inputs->scores, inputs->want.scores, "scores", header,
                                  err);
        return hap_header_is(header, "constants") ? read_constants(inputs, header, err) : HAP_OK;
}

/* The masks of the runs, for the memory: those of the largest circuit. */
static void find_masks(struct hap_inputs *inputs)
{
        const struct hap_edges *largest = inputs->circuits.items;

        for (size_t i = 1; i < inputs->circuits.n; i++)
                if (inputs->circuits.items[i].n_given > largest->n_given)
                        largest = inputs->circuits.items + i;
        inputs->memory.z = largest ? largest->z : NULL;
        inputs->memory.z_edges = largest ? largest->graph.n_edges : 0;
}

/* Up to the end of the stream, or to examples that are given before the rest is read. */
static int read_sections(struct hap_inputs *inputs, struct hap_error *err)
{
        json_t *header;
        int rc = 1;

        while (rc > 0 && !inputs->in_parts) {
                rc = hap_stream_in_section(inputs->in, &header, err);
                if (rc > 0 && read_section(inputs, header, err) < 0)
                        rc = err->code;
        }
        if (rc == 0)
                find_masks(inputs);
        return rc < 0 ? rc : HAP_OK;
}

static int check_missing(const struct hap_inputs *inputs, struct hap_error *err)
{
        const struct hap_inputs_want *want = &inputs->want;
        const struct {
                bool missing;
                const char *kind;
        } checks[] = {
                {!inputs->header, want->each_task ? "task" : "task or cache"},
                {want->need_circuits && !inputs->circuits.n, "circuit"},
                {want->need_scores && !inputs->scores.n, "scores"},
                {want->prompts.ablation->learned && !inputs->constants.values,
                 "constants of hap-ablate, which optimal ablation needs"},
        };

        for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
                if (checks[i].missing)
                        return hap_stream_in_fail_missing(inputs->in, checks[i].kind, err);
        return HAP_OK;
}

/* --- what belongs to the same model and graph --- */

/* The section must be for the same model and graph; its history joins the examples'. */
static int join_section(struct hap_inputs *inputs, const json_t *header,
                        const struct hap_graph *graph, const char *name, struct hap_error *err)
{
        int rc = hap_check_same_graph(&inputs->engine, inputs->name, header, graph, name, err);

        if (rc == 0)
                hap_header_join(inputs->header, header);
        return rc;
}

static int join_edges(struct hap_inputs *inputs, const struct hap_edges_list *list,
                      struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < list->n && rc == 0; i++)
                rc = join_section(inputs, list->items[i].header, &list->items[i].graph,
                                  list->items[i].name, err);
        return rc;
}

/* Constants fit any positions of the graph. */
static int join_constants(struct hap_inputs *inputs, struct hap_error *err)
{
        const struct hap_constants *c = &inputs->constants;
        struct hap_graph graph = c->graph;
        int rc;

        if (!c->values)
                return HAP_OK;
        graph.positions = inputs->engine.graph.positions;
        rc = join_section(inputs, c->header, &graph, c->name, err);
        if (rc == 0 && c->d_model != inputs->model.config.d_model)
                rc = hap_fail(err, HAP_EINPUT,
                              "cannot use '%s': its vectors have %d numbers, those of '%s' %d",
                              c->name, c->d_model, inputs->name, inputs->model.config.d_model);
        if (rc == 0)
                hap_loader_set_constants(inputs->loader, c->values);
        return rc;
}

int hap_inputs_read(struct hap_stream_in *in, const struct hap_inputs_want *want,
                    struct hap_inputs *inputs, struct hap_error *err)
{
        int rc;

        *inputs = (struct hap_inputs){.want = *want, .in = in, .memory = want->memory,
                                       .weights = {want->weights, want->memory.max_bytes}};
        inputs->memory.options = want->prompts;
        rc = read_sections(inputs, err);
        if (rc == 0)
                rc = check_missing(inputs, err);
        if (rc == 0)
                rc = make_engine(inputs, err);
        if (rc == 0)
                rc = join_edges(inputs, &inputs->circuits, err);
        if (rc == 0)
                rc = join_edges(inputs, &inputs->scores, err);
        if (rc == 0)
                rc = join_constants(inputs, err);
        if (rc == 0)
                rc = hap_inputs_check_memory(inputs, err);
        if (rc < 0)
                hap_inputs_release(inputs);
        return rc;
}

/* --- the prompts --- */

/* Looks at the prompts that are given now; with `last`, none follow. */
static int check_differ(struct hap_inputs *inputs, bool last, struct hap_error *err)
{
        const struct hap_prompts *prompts = &inputs->prompts;
        const struct hap_inputs_want *want = &inputs->want;

        for (size_t i = 0; i < prompts->n && !inputs->differ; i++) {
                const struct hap_example *e = prompts->examples + i;

                inputs->differ =
                        memcmp(e->clean, e->corrupted, (size_t)e->n_tokens * sizeof *e->clean) != 0;
        }
        if (last && want->must_differ && !inputs->differ &&
            want->prompts.ablation->per_prompt)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': clean and corrupted are the same "
                                "in each of its prompts",
                                inputs->name);
        return HAP_OK;
}

/* The prompts have been given: what follows a cache that was read in parts is read now. */
static int end_prompts(struct hap_inputs *inputs, struct hap_error *err)
{
        hap_loader_close(inputs->loader);
        inputs->loader = NULL;
        inputs->all_given = true;
        if (!inputs->in_parts || inputs->want.each_task)
                return HAP_OK;
        inputs->in_parts = false;
        return read_sections(inputs, err);
}

int hap_inputs_next_task(struct hap_inputs *inputs, struct hap_error *err)
{
        int rc;

        inputs->in_parts = false;
        if ((rc = read_sections(inputs, err)) < 0 || !inputs->loader)
                return rc;
        if ((rc = settle_positions(inputs, err)) < 0)
                return rc;
        if (!hap_positions_equal(&inputs->form.positions, &inputs->engine.graph.positions))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': its positions, or those of its "
                                "answers, are not those of the task before it", inputs->name);
        inputs->all_given = false;
        return (rc = hap_inputs_check_memory(inputs, err)) < 0 ? rc : 1;
}

int hap_inputs_next(struct hap_inputs *inputs, const struct hap_prompts **prompts,
                    struct hap_error *err)
{
        const bool at_once = inputs->want.batches == 0;
        int rc;

        *prompts = &inputs->prompts;
        if (inputs->waiting) {
                inputs->waiting = false;
                inputs->all_given = true;
                return check_differ(inputs, true, err) < 0 ? err->code : 1;
        }
        hap_prompts_release(&inputs->prompts);
        if (inputs->all_given)
                return 0;
        rc = hap_loader_next(inputs->loader, &inputs->engine, inputs->want.batches,
                             &inputs->prompts, err);
        if (rc >= 0 && check_differ(inputs, rc == 0 || at_once, err) < 0)
                return err->code;
        return rc == 0 ? end_prompts(inputs, err) : rc;
}

float *hap_inputs_z(const struct hap_inputs *inputs)
{
        return inputs->circuits.n ? inputs->circuits.items->z : NULL;
}

double *hap_inputs_score(const struct hap_inputs *inputs)
{
        return inputs->scores.n ? inputs->scores.items->score : NULL;
}

size_t hap_inputs_total(const struct hap_inputs *inputs)
{
        return inputs->loader ? hap_loader_total(inputs->loader) : inputs->prompts.n;
}

int hap_inputs_describe(const struct hap_inputs *inputs, json_t *header, struct hap_error *err)
{
        hap_cache_undescribe(header);
        if (json_object_set_new(header, "model", hap_model_describe(&inputs->model)) < 0 ||
            hap_graph_into(header, &inputs->engine.graph) < 0)
                return hap_fail_memory(err, "a header");
        return HAP_OK;
}

void hap_inputs_release(struct hap_inputs *inputs)
{
        hap_prompts_release(&inputs->prompts); /* before the loader that has their tokens */
        hap_loader_close(inputs->loader);
        hap_stream_in_close(inputs->again);
        hap_edges_list_release(&inputs->circuits);
        hap_edges_list_release(&inputs->scores);
        hap_constants_release(&inputs->constants);
        hap_engine_release(&inputs->engine);
        hap_model_release(&inputs->model);
        json_decref(inputs->header);
        free(inputs->name);
        *inputs = (struct hap_inputs){0};
}
