#include "convert/acdc.h"

#include <stdlib.h>
#include <string.h>

#include "convert/exchange_edges.h"
#include "convert/exchange_file.h"
#include "convert/hooks.h"
#include "graph/edges.h"

/* --- to ACDC --- */

static void print_node(FILE *out, const char *name, int head)
{
        if (head >= 0)
                fprintf(out, "\"%s\", [null, null, %d]", name, head);
        else
                fprintf(out, "\"%s\", [null]", name);
}

static size_t print_list(const struct hap_edges *circuit, FILE *out)
{
        const struct hap_graph *graph = &circuit->graph;
        size_t n = 0;

        fputs("[", out);
        for (size_t e = 0; e < graph->n_edges; e++) {
                char name[HAP_NAME];
                int head;

                if (!(circuit->z[e] > 0))
                        continue;
                fputs(n++ ? ",\n    [" : "\n    [", out);
                hap_hook_of_reader(graph, hap_graph_edge_reader(graph, e), name, &head);
                print_node(out, name, head);
                fputs(", ", out);
                hap_hook_of_writer(graph, hap_graph_edge_writer(graph, e), name, &head);
                print_node(out, name, head);
                fputs("]", out);
        }
        fputs("\n]\n", out);
        return n;
}

int hap_acdc_write(struct hap_stream_in *in, FILE *out, size_t *n_edges, struct hap_error *err)
{
        struct hap_edges circuit;
        int rc = hap_exchange_one(in, "circuit", &circuit, err);

        if (rc < 0)
                return rc;
        rc = hap_exchange_check_binary(&circuit, err);
        if (rc == 0)
                *n_edges = print_list(&circuit, out);
        hap_edges_release(&circuit);
        return rc;
}

/* --- from ACDC --- */

/* The head of an index [null, null, HEAD], -1 for [null]; -2: neither. */
static int head_of(const json_t *index)
{
        const size_t n = json_array_size(index);
        const json_t *head = json_array_get(index, 2);

        if (n == 1 && json_is_null(json_array_get(index, 0)))
                return -1;
        return n == 3 && json_is_null(json_array_get(index, 0)) &&
                               json_is_null(json_array_get(index, 1)) && json_is_integer(head) &&
                               json_integer_value(head) >= 0 &&
                               json_integer_value(head) < HAP_MAX_GRAPH_SIZE
                       ? (int)json_integer_value(head) : -2;
}

static int64_t find_item(const struct hap_graph *graph, const json_t *item)
{
        const char *child = json_string_value(json_array_get(item, 0));
        const char *parent = json_string_value(json_array_get(item, 2));
        int reader, writer;

        if (json_array_size(item) != 4 || !child || !parent)
                return -1;
        reader = hap_hook_reader(graph, child, head_of(json_array_get(item, 1)));
        writer = hap_hook_writer(graph, parent, head_of(json_array_get(item, 3)));
        return reader < 0 || writer < 0 || writer >= hap_graph_in(graph, reader)
                       ? -1 : (int64_t)hap_graph_edge(graph, writer, reader);
}

/* Whether an item is one of ACDC's edges within a head or an MLP, which are no edges here. */
static bool is_within(const struct hap_graph *graph, const json_t *item)
{
        const char *child = json_string_value(json_array_get(item, 0));
        const char *parent = json_string_value(json_array_get(item, 2));
        const json_t *index = json_array_get(item, 1);

        return json_array_size(item) == 4 && child && parent &&
               json_equal(index, json_array_get(item, 3)) &&
               hap_hooks_within(graph, child, parent, head_of(index));
}

static int take_items(const struct hap_graph *graph, const json_t *list, float *z,
                      struct hap_error *err)
{
        const json_t *item;
        size_t i;

        json_array_foreach((json_t *)list, i, item) {
                const int64_t edge = find_item(graph, item);

                if (edge < 0 && is_within(graph, item))
                        continue;
                if (edge < 0)
                        return hap_fail(err, HAP_EINPUT, "item %zu is not an edge [child, index, "
                                        "parent, index] of a model with %d layers and %d heads",
                                        i + 1, graph->n_layers, graph->n_heads);
                if (z[edge] > 0)
                        return hap_fail(err, HAP_EINPUT, "item %zu occurs twice", i + 1);
                z[edge] = 1;
        }
        return HAP_OK;
}

/* Whether the list begins an edge at token embeddings alone: use_pos_embed=True. */
static bool has_split_input(const json_t *list)
{
        const json_t *item;
        size_t i;

        json_array_foreach((json_t *)list, i, item) {
                const char *parent = json_string_value(json_array_get(item, 2));

                if (parent && (strcmp(parent, "hook_embed") == 0 ||
                               strcmp(parent, "hook_pos_embed") == 0))
                        return true;
        }
        return false;
}

int hap_acdc_read(struct hap_byte_input *input, const struct hap_program *program,
                  const json_t *model, struct hap_stream_out *out, size_t *n_edges,
                  struct hap_error *err)
{
        struct hap_graph graph = {0};
        json_t *list = NULL;
        float *z = NULL;
        int rc = hap_exchange_load(input, &list, err);

        if (rc == 0 && !json_is_array(list))
                rc = hap_fail(err, HAP_EINPUT, "cannot use '%s': it is not a list of edges",
                              input->name);
        if (rc == 0)
                rc = hap_exchange_graph(&graph, model, has_split_input(list), "acdc", err);
        if (rc == 0 && !(z = calloc(graph.n_edges, sizeof *z)))
                rc = hap_fail_memory(err, "edges");
        if (rc == 0 && take_items(&graph, list, z, err) < 0)
                rc = hap_fail_within(err, "cannot use '%s'", input->name);
        if (rc == 0)
                rc = hap_exchange_write_circuit(&graph, z, program, model, out, err);
        if (rc == 0)
                *n_edges = hap_graph_count_kept(&graph, z);
        json_decref(list);
        free(z);
        hap_graph_release(&graph);
        return rc;
}
