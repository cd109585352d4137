#include "attrib/algebra.h"

#include <stdlib.h>
#include <string.h>

bool hap_algebra_asked(const struct hap_algebra_options *options)
{
        return options->intersect || options->together || options->difference ||
               options->at_least > 0;
}

/* "--intersect", for messages. */
static const char *name_of(const struct hap_algebra_options *options)
{
        return options->intersect    ? "--intersect"
               : options->difference ? "--difference"
               : options->at_least   ? "--at-least"
                                     : "--union";
}

int hap_algebra_check(const struct hap_algebra_options *options, bool scores,
                      struct hap_error *err)
{
        const int n = options->intersect + options->together + options->difference +
                      (options->at_least > 0);

        if (n > 1)
                return hap_fail(err, HAP_EUSAGE, "only one of --intersect, --union, --difference "
                                "and --at-least can be given");
        if (n == 1 && !options->together && scores)
                return hap_fail(err, HAP_EUSAGE, "%s is of circuits: --keep, --threshold and "
                                "--auto cannot be combined with it", name_of(options));
        return HAP_OK;
}

static int read_circuits(struct hap_stream_in *in, struct hap_edges_list *circuits,
                         struct hap_selection *selection, struct hap_error *err)
{
        struct hap_edges circuit;
        int rc;

        while ((rc = hap_edges_next(in, "circuit", &circuit, err)) > 0) {
                rc = hap_edges_list_add(circuits, &circuit, err);
                if (rc == 0)
                        rc = hap_selection_join(selection, circuits->items + circuits->n - 1, err);
                if (rc < 0)
                        return rc;
        }
        if (rc == 0 && circuits->n == 0)
                return hap_stream_in_fail_missing(in, "circuit", err);
        return rc;
}

static int compare_down(const void *a, const void *b)
{
        const float x = *(const float *)a, y = *(const float *)b;

        return (x < y) - (x > y);
}

/* z of an edge in the set; `sorted` is scratch for all circuits. */
static float edge_in_set(const struct hap_edges_list *circuits, size_t edge, size_t at_least,
                         float *sorted)
{
        for (size_t i = 0; i < circuits->n; i++)
                sorted[i] = circuits->items[i].z[edge];
        if (at_least == 0) { /* the difference */
                for (size_t i = 1; i < circuits->n; i++)
                        if (sorted[i] > 0)
                                return 0;
                return sorted[0];
        }
        qsort(sorted, circuits->n, sizeof *sorted, compare_down);
        return sorted[at_least - 1];
}

/* in[node] of a circuit; the last entry is the logits. */
static void find_nodes(const struct hap_edges *circuit, bool *in)
{
        const struct hap_graph *g = &circuit->graph;

        memset(in, 0, ((size_t)g->n_writers + 1) * sizeof *in);
        for (size_t e = 0; e < g->n_edges; e++) {
                const int to = hap_graph_reader_node(g, hap_graph_edge_reader(g, e));

                if (circuit->z[e] > 0)
                        in[hap_graph_edge_writer(g, e)] = in[to < 0 ? g->n_writers : to] = true;
        }
}

/* chosen[node]: whether the node is in the set. */
static int choose_nodes(const struct hap_edges_list *circuits, size_t at_least, bool *chosen,
                        struct hap_error *err)
{
        const struct hap_graph *g = &circuits->items[0].graph;
        const size_t n = (size_t)g->n_writers + 1;
        size_t *count = calloc(n, sizeof *count);
        bool *in = calloc(n, sizeof *in), *first = calloc(n, sizeof *first);

        if (!count || !in || !first) {
                free(count);
                free(in);
                free(first);
                return hap_fail_memory(err, "nodes");
        }
        find_nodes(circuits->items, first);
        for (size_t i = 0; i < circuits->n; i++) {
                find_nodes(circuits->items + i, in);
                for (size_t k = 0; k < n; k++)
                        count[k] += in[k];
        }
        for (size_t k = 0; k < n; k++)
                chosen[k] = k < (size_t)g->n_inputs || k + 1 == n ||
                            (at_least ? count[k] >= at_least : first[k] && count[k] == 1);
        free(count);
        free(in);
        free(first);
        return HAP_OK;
}

static int set_of_nodes(const struct hap_edges_list *circuits, size_t at_least, float *sorted,
                        float *z, struct hap_error *err)
{
        const struct hap_edges_list source = {circuits->items, at_least ? circuits->n : 1};
        const struct hap_graph *g = &circuits->items[0].graph;
        bool *chosen = calloc((size_t)g->n_writers + 1, sizeof *chosen);
        int rc = chosen ? choose_nodes(circuits, at_least, chosen, err)
                        : hap_fail_memory(err, "nodes");

        for (size_t e = 0; e < g->n_edges && rc == 0; e++) {
                const int to = hap_graph_reader_node(g, hap_graph_edge_reader(g, e));

                z[e] = chosen[hap_graph_edge_writer(g, e)] && chosen[to < 0 ? g->n_writers : to]
                               ? edge_in_set(&source, e, 1, sorted)
                               : 0;
        }
        free(chosen);
        return rc;
}

static int make_set(const struct hap_edges_list *circuits,
                    const struct hap_algebra_options *options, struct hap_selection *selection,
                    struct hap_error *err)
{
        const size_t n = circuits->n;
        const size_t at_least = options->difference ? 0
                                : options->intersect ? n
                                : options->at_least  ? (size_t)options->at_least
                                                     : 1;
        float *sorted;
        int rc = HAP_OK;

        if (n < 2)
                return hap_fail(err, HAP_EINPUT, "cannot use %s: there is only one circuit, in "
                                "'%s'", name_of(options), selection->name);
        if (at_least > n)
                return hap_fail(err, HAP_EUSAGE, "--at-least %zu: there are only %zu circuits",
                                at_least, n);
        sorted = calloc(n, sizeof *sorted);
        if (!sorted)
                return hap_fail_memory(err, "circuits");
        if (options->nodes)
                rc = set_of_nodes(circuits, at_least, sorted, selection->z, err);
        for (size_t e = 0; e < selection->graph.n_edges && !options->nodes; e++)
                selection->z[e] = edge_in_set(circuits, e, at_least, sorted);
        free(sorted);
        return rc;
}

int hap_algebra_run(struct hap_stream_in *in, const struct hap_algebra_options *options,
                    struct hap_selection *selection, struct hap_error *err)
{
        static const char *const of_first[] = {"name", "pruning", "circuit"};
        struct hap_edges_list circuits = {NULL, 0};
        int rc = read_circuits(in, &circuits, selection, err);

        if (rc == 0)
                rc = make_set(&circuits, options, selection, err);
        for (size_t i = 0; i < sizeof of_first / sizeof *of_first && rc == 0; i++)
                json_object_del(selection->header, of_first[i]);
        hap_edges_list_release(&circuits);
        return rc;
}

json_t *hap_algebra_describe(const struct hap_algebra_options *options,
                             const struct hap_selection *selection)
{
        json_t *object = json_pack("{s:s, s:I}", "set", name_of(options) + 2, "circuits",
                                   (json_int_t)selection->sections);

        if (options->at_least)
                json_object_set_new(object, "at_least", json_integer(options->at_least));
        if (options->nodes)
                json_object_set_new(object, "nodes", json_true());
        return object;
}
