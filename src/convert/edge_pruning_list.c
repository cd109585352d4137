#include "convert/edge_pruning_list.h"

#include <stdlib.h>
#include <string.h>

#include "convert/exchange_edges.h"
#include "convert/exchange_file.h"
#include "graph/edges.h"

/* Nodes whose names differ; the rest of a name is the same except for a head's q, k and v,
 * a0.h0<q> here and a0.h0.q there. */
static const char *const names[][2] = {
        {"tok", "tok_embeds"}, {"pos", "pos_embeds"}, {"logits", "resid_post"}};
enum { N_NAMES = sizeof names / sizeof *names };

/* --- to Edge-Pruning --- */

static void their_name(const char *ours, char theirs[HAP_NAME])
{
        const size_t length = strlen(ours);

        for (int i = 0; i < N_NAMES; i++)
                if (strcmp(ours, names[i][0]) == 0) {
                        snprintf(theirs, HAP_NAME, "%s", names[i][1]);
                        return;
                }
        snprintf(theirs, HAP_NAME, "%s", ours);
        if (length > 3 && theirs[length - 3] == '<') {
                theirs[length - 3] = '.';
                theirs[length - 1] = 0;
        }
}

static int check_circuit(const struct hap_edges *circuit, struct hap_error *err)
{
        if (!circuit->graph.split_input)
                return hap_fail(err, HAP_EINPUT, "cannot convert '%s': its token and position "
                                "embeddings are one writer; make the circuit with --split-input",
                                circuit->name);
        return hap_exchange_check_binary(circuit, err);
}

/* The file is one line per edge. */
static size_t print_list(const struct hap_edges *circuit, FILE *out)
{
        const struct hap_graph *graph = &circuit->graph;
        size_t n = 0;

        fputs("[", out);
        for (size_t e = 0; e < graph->n_edges; e++) {
                char name[HAP_NAME], writer[HAP_NAME], reader[HAP_NAME];

                if (!(circuit->z[e] > 0))
                        continue;
                hap_graph_writer_name(graph, hap_graph_edge_writer(graph, e), name);
                their_name(name, writer);
                hap_graph_reader_name(graph, hap_graph_edge_reader(graph, e), name);
                their_name(name, reader);
                fprintf(out, "%s\n    [\"%s\", \"%s\"]", n++ ? "," : "", writer, reader);
        }
        fputs("\n]\n", out);
        return n;
}

int hap_edge_pruning_write(struct hap_stream_in *in, FILE *out, size_t *n_edges,
                           struct hap_error *err)
{
        struct hap_edges circuit;
        int rc = hap_exchange_one(in, "circuit", &circuit, err);

        if (rc < 0)
                return rc;
        rc = check_circuit(&circuit, err);
        if (rc == 0)
                *n_edges = print_list(&circuit, out);
        hap_edges_release(&circuit);
        return rc;
}

/* --- from Edge-Pruning --- */

/* Our name of a writer or reader; theirs is shorter than HAP_NAME − 1. */
static void our_name(const char *theirs, bool reader, char ours[HAP_NAME])
{
        const size_t length = strlen(theirs);

        for (int i = 0; i < N_NAMES; i++)
                if (strcmp(theirs, names[i][1]) == 0) {
                        snprintf(ours, HAP_NAME, "%s", names[i][0]);
                        return;
                }
        if (reader && length > 2 && theirs[length - 2] == '.')
                snprintf(ours, HAP_NAME, "%.*s<%c>", (int)length - 2, theirs, theirs[length - 1]);
        else
                snprintf(ours, HAP_NAME, "%s", theirs);
}

/* The edge of a pair, or -1. */
static int64_t find_pair(const struct hap_graph *graph, const char *from, const char *to)
{
        char writer[HAP_NAME], reader[HAP_NAME], edge[2 * HAP_NAME + 4];

        if (strlen(from) > HAP_NAME - 4 || strlen(to) > HAP_NAME - 4)
                return -1;
        our_name(from, false, writer);
        our_name(to, true, reader);
        return hap_graph_find_edge(graph, edge,
                                   (size_t)snprintf(edge, sizeof edge, "%s->%s", writer, reader));
}

static int take_pairs(const struct hap_graph *graph, const json_t *list, float *z,
                      struct hap_error *err)
{
        bool has_input = false;
        const json_t *pair;
        size_t i;

        json_array_foreach((json_t *)list, i, pair) {
                const char *from = json_string_value(json_array_get(pair, 0));
                const char *to = json_string_value(json_array_get(pair, 1));
                int64_t edge;

                if (!from || !to || json_array_size(pair) != 2)
                        return hap_fail(err, HAP_EINPUT, "item %zu is not a pair of a writer and a "
                                        "reader", i + 1);
                edge = find_pair(graph, from, to);
                if (edge < 0)
                        return hap_fail(err, HAP_EINPUT, "item %zu, [\"%.64s\", \"%.64s\"], is not "
                                        "an edge of a model with %d layers and %d heads", i + 1,
                                        from, to, graph->n_layers, graph->n_heads);
                if (z[edge] > 0)
                        return hap_fail(err, HAP_EINPUT, "item %zu, [\"%.64s\", \"%.64s\"], occurs "
                                        "twice", i + 1, from, to);
                z[edge] = 1;
                has_input |= hap_graph_edge_writer(graph, (size_t)edge) < graph->n_inputs;
        }
        return has_input ? HAP_OK
                         : hap_fail(err, HAP_EINPUT, "no edge begins at tok_embeds or pos_embeds; "
                                    "a list of a model without embedding nodes, which keeps all of "
                                    "those edges, is not read");
}

int hap_edge_pruning_read(struct hap_byte_input *input, const struct hap_program *program,
                          const json_t *model, struct hap_stream_out *out, size_t *n_edges,
                          struct hap_error *err)
{
        struct hap_graph graph = {0};
        json_t *list = NULL;
        float *z = NULL;
        int rc;

        if ((rc = hap_exchange_graph(&graph, model, true, "edge-pruning", err)) == 0)
                rc = hap_exchange_load(input, &list, err);
        if (rc == 0 && !json_is_array(list))
                rc = hap_fail(err, HAP_EINPUT, "cannot use '%s': it is not a list of edges",
                              input->name);
        if (rc == 0 && !(z = calloc(graph.n_edges, sizeof *z)))
                rc = hap_fail_memory(err, "edges");
        if (rc == 0 && take_pairs(&graph, list, z, err) < 0)
                rc = hap_fail_within(err, "cannot use '%s'", input->name);
        if (rc == 0)
                rc = hap_exchange_write_circuit(&graph, z, program, model, out, err);
        *n_edges = json_array_size(list);
        json_decref(list);
        free(z);
        hap_graph_release(&graph);
        return rc;
}
