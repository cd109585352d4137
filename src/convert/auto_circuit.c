#include "convert/auto_circuit.h"

#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "convert/exchange_edges.h"
#include "convert/exchange_file.h"
#include "convert/hooks.h"
#include "graph/edges.h"

/* --- to auto-circuit --- */

/* The scores of the edges into one reader. */
static void print_reader(const struct hap_edges *edges, int reader, FILE *out)
{
        const struct hap_graph *graph = &edges->graph;
        char digits[HAP_DIGITS];

        for (int w = 0; w < hap_graph_in(graph, reader); w++) {
                const size_t e = hap_graph_edge(graph, w, reader);

                hap_shortest_digits(edges->score ? edges->score[e] : (double)edges->z[e], false,
                                    digits);
                fprintf(out, "%s%s", w ? ", " : "[", digits);
        }
        fputs("]", out);
}

static void print_scores(const struct hap_edges *edges, FILE *out)
{
        const struct hap_graph *graph = &edges->graph;

        fputs("{", out);
        for (int r = 0; r < graph->n_readers; r++) {
                char name[HAP_NAME];
                int head;

                hap_hook_of_reader(graph, r, name, &head);
                if (head <= 0)
                        fprintf(out, "%s\n\"%s\": %s", r ? "," : "", name, head == 0 ? "[" : "");
                else
                        fputs(",\n ", out);
                print_reader(edges, r, out);
                if (head == graph->n_heads - 1)
                        fputs("]", out);
        }
        fputs("\n}\n", out);
}

int hap_auto_circuit_write(struct hap_stream_in *in, FILE *out, size_t *n_edges,
                           struct hap_error *err)
{
        struct hap_edges edges;
        int rc = hap_exchange_one(in, NULL, &edges, err);

        if (rc < 0)
                return rc;
        if (edges.graph.split_input)
                rc = hap_fail(err, HAP_EINPUT, "cannot convert '%s': PruneScores have no 'tok' and "
                              "'pos'", edges.name);
        if (rc == 0) {
                *n_edges = edges.graph.n_edges;
                print_scores(&edges, out);
        }
        hap_edges_release(&edges);
        return rc;
}

/* --- from auto-circuit --- */

static int take_reader(const struct hap_graph *graph, int reader, const json_t *list, double *score,
                       struct hap_error *err)
{
        const int n = hap_graph_in(graph, reader);
        const json_t *value;
        char name[HAP_NAME];
        size_t i;

        hap_graph_reader_name(graph, reader, name);
        if (!json_is_array(list) || json_array_size(list) != (size_t)n)
                return hap_fail(err, HAP_EINPUT, "the scores into %s are not a list of %d", name, n);
        json_array_foreach((json_t *)list, i, value) {
                if (!json_is_number(value))
                        return hap_fail(err, HAP_EINPUT, "score %zu into %s is not a finite number",
                                        i + 1, name);
                score[hap_graph_edge(graph, (int)i, reader)] = json_number_value(value);
        }
        return HAP_OK;
}

/* Takes the modules of all readers; *modules: their number. */
static int take_modules(const struct hap_graph *graph, const json_t *file, double *score,
                        size_t *modules, struct hap_error *err)
{
        *modules = 0;
        for (int r = 0; r < graph->n_readers; r++) {
                char name[HAP_NAME];
                const json_t *list;
                int head;

                hap_hook_of_reader(graph, r, name, &head);
                list = json_object_get(file, name);
                if (!list || (head >= 0 && json_array_size(list) != (size_t)graph->n_heads))
                        return hap_fail(err, HAP_EINPUT, "there is no module '%s'%s", name,
                                        list ? " with as many heads as the model" : "");
                *modules += head <= 0;
                if (take_reader(graph, r, head < 0 ? list : json_array_get(list, (size_t)head), score,
                                err) < 0)
                        return err->code;
        }
        return HAP_OK;
}

int hap_auto_circuit_read(struct hap_byte_input *input, const struct hap_program *program,
                          const json_t *model, struct hap_stream_out *out, size_t *n_edges,
                          struct hap_error *err)
{
        struct hap_graph graph = {0};
        json_t *file = NULL, *header = NULL;
        double *score = NULL;
        size_t modules;
        int rc = hap_exchange_load(input, &file, err);

        if (rc == 0)
                rc = hap_exchange_graph(&graph, model, false, "auto-circuit", err);
        if (rc == 0 && !(score = calloc(graph.n_edges, sizeof *score)))
                rc = hap_fail_memory(err, "scores");
        if (rc == 0 && (take_modules(&graph, file, score, &modules, err) < 0 ||
                        (modules != json_object_size(file) &&
                         hap_fail(err, HAP_EINPUT, "it has other modules too: those of another "
                                  "model or of sequence positions") < 0)))
                rc = hap_fail_within(err, "cannot use '%s'", input->name);
        if (rc == 0 && !(header = hap_program_header(program, "scores", NULL)))
                rc = hap_fail_memory(err, "a header");
        if (rc == 0) {
                json_object_set(header, "model", (json_t *)model);
                *n_edges = graph.n_edges;
                rc = hap_scores_write(out, header, &graph, score, NULL, err);
        }
        json_decref(header);
        json_decref(file);
        free(score);
        hap_graph_release(&graph);
        return rc;
}
