#include "graph/graph_json.h"

#include <string.h>

static int describe_positions(const struct hap_positions *positions, json_t *description)
{
        json_t *names = json_array(), *answers = json_array();
        int rc = 0;

        for (int i = 0; i < positions->n; i++) {
                rc |= json_array_append_new(names, json_string(positions->name[i]));
                if (positions->answers[i])
                        rc |= json_array_append_new(answers, json_string(positions->name[i]));
        }
        rc |= json_object_set_new(description, "positions", names);
        rc |= json_object_set_new(description, "answers", answers);
        return rc;
}

static int positions_of_json(struct hap_positions *positions, const json_t *description,
                             struct hap_error *err)
{
        const json_t *names = json_object_get(description, "positions");
        const json_t *answers = json_object_get(description, "answers"), *item;
        size_t i;

        *positions = (struct hap_positions){0};
        if (!names)
                return HAP_OK;
        if (json_array_size(names) < 2)
                return hap_fail(err, HAP_EINPUT,
                                "the graph's 'positions' is not a list of names and "
                                "\"" HAP_REST "\"");
        json_array_foreach(names, i, item) {
                const char *name = json_string_value(item);

                if (!name || strlen(name) != json_string_length(item))
                        return hap_fail(err, HAP_EINPUT,
                                        "one of the graph's 'positions' is not a name");
                if (hap_positions_add(positions, name, err) < 0)
                        return err->code;
        }
        if (strcmp(positions->name[positions->n - 1], HAP_REST) != 0)
                return hap_fail(err, HAP_EINPUT,
                                "the last of the graph's 'positions' is not \"" HAP_REST "\"");
        json_array_foreach(answers, i, item) {
                int at = hap_positions_find(positions,
                                            json_string_value(item) ? json_string_value(item) : "",
                                            json_string_length(item));

                if (at < 0)
                        return hap_fail(err, HAP_EINPUT,
                                        "the graph's 'answers' names none of its 'positions'");
                positions->answers[at] = true;
        }
        if (json_array_size(answers) == 0)
                return hap_fail(err, HAP_EINPUT,
                                "the graph has 'positions' but no list 'answers' of the "
                                "positions of answers");
        return HAP_OK;
}

json_t *hap_graph_describe(const struct hap_graph *graph)
{
        json_t *all = json_pack("{s:i, s:i, s:b, s:s, s:I, s:i, s:i}",
                                "layers", graph->n_layers, "heads", graph->n_heads,
                                "parallel", graph->parallel_residual,
                                "input", graph->split_input ? "split" : "joined",
                                "edges", (json_int_t)graph->n_edges,
                                "writers", graph->n_writers,
                                "readers", graph->n_readers);

        if (all && graph->n_experts)
                json_object_set_new(all, "experts", json_integer(graph->n_experts));
        if (all && graph->positions.n && describe_positions(&graph->positions, all) < 0) {
                json_decref(all);
                all = NULL;
        }
        return all;
}

int hap_graph_into(json_t *header, const struct hap_graph *graph)
{
        int rc = json_object_set_new(header, "graph", hap_graph_describe(graph));
        json_t *features = json_array();

        if (graph->n_experts)
                rc |= json_array_append_new(features, json_string("experts"));
        if (graph->positions.n)
                rc |= json_array_append_new(features, json_string("positions"));
        if (json_array_size(features) > 0)
                return rc | json_object_set_new(header, "requires", features);
        json_object_del(header, "requires");
        json_decref(features);
        return rc;
}

/* Checks a count. A description may omit it. */
static int check_count(const json_t *description, const char *key,
                       size_t expected, struct hap_error *err)
{
        const json_t *count = json_object_get(description, key);

        if (!count || (json_is_integer(count) &&
                       json_integer_value(count) == (json_int_t)expected))
                return HAP_OK;
        if (!json_is_integer(count))
                return hap_fail(err, HAP_EINPUT, "the graph's '%s' is not a number", key);
        return hap_fail(err, HAP_EINPUT,
                        "the graph declares %" JSON_INTEGER_FORMAT
                        " %s, but its layers and heads give %zu",
                        json_integer_value(count), key, expected);
}

/* *size 0: the key may be missing. */
static int get_size(const json_t *description, const char *key, int *size,
                    struct hap_error *err)
{
        const json_t *value = json_object_get(description, key);

        if (!value && *size == 0)
                return HAP_OK;
        if (!json_is_integer(value) || json_integer_value(value) < 1 ||
            json_integer_value(value) > HAP_MAX_GRAPH_SIZE)
                return hap_fail(err, HAP_EINPUT,
                                "the graph's '%s' is not a number from 1 to %d",
                                key, HAP_MAX_GRAPH_SIZE);
        *size = (int)json_integer_value(value);
        return HAP_OK;
}

static int get_input(const json_t *description, bool *split, struct hap_error *err)
{
        const json_t *input = json_object_get(description, "input");
        const char *text = json_string_value(input);

        *split = text && strcmp(text, "split") == 0;
        if (!input || *split || (text && strcmp(text, "joined") == 0))
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT,
                        "the graph's 'input' is neither \"joined\" nor \"split\"");
}

int hap_graph_of_json(struct hap_graph *graph, const json_t *description,
                      struct hap_error *err)
{
        const json_t *parallel = json_object_get(description, "parallel");
        struct hap_positions positions;
        int layers = -1, heads = -1, experts = 0, rc;
        bool split;

        *graph = (struct hap_graph){0};
        if (!json_is_object(description))
                return hap_fail(err, HAP_EINPUT, "no graph is described");
        if (parallel && !json_is_boolean(parallel))
                return hap_fail(err, HAP_EINPUT,
                                "the graph's 'parallel' is neither true nor false");
        if ((rc = get_size(description, "layers", &layers, err)) < 0 ||
            (rc = get_size(description, "heads", &heads, err)) < 0 ||
            (rc = get_size(description, "experts", &experts, err)) < 0 ||
            (rc = get_input(description, &split, err)) < 0 ||
            (rc = positions_of_json(&positions, description, err)) < 0)
                return rc;
        rc = hap_graph_init_experts(graph, layers, heads, experts, json_is_true(parallel), split,
                                    err);
        if (rc < 0)
                return rc;
        if ((rc = hap_graph_set_positions(graph, &positions, err)) < 0 ||
            (rc = check_count(description, "edges", graph->n_edges, err)) < 0 ||
            (rc = check_count(description, "writers", (size_t)graph->n_writers, err)) < 0 ||
            (rc = check_count(description, "readers", (size_t)graph->n_readers, err)) < 0)
                hap_graph_release(graph);
        return rc;
}

int hap_header_form(const json_t *header, const char *name, struct hap_graph_form *form,
                    struct hap_error *err)
{
        const json_t *graph = json_object_get(header, "graph");
        const char *input = json_string_value(json_object_get(graph, "input"));

        form->split_input = input && strcmp(input, "split") == 0;
        form->experts = json_object_get(graph, "experts") != NULL;
        if (positions_of_json(&form->positions, graph, err) < 0)
                return hap_fail_within(err, "cannot use '%s'", name);
        return HAP_OK;
}
