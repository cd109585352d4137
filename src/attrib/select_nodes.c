#include "attrib/select.h"

#include <math.h>
#include <stdlib.h>

struct node {
        double score;
        size_t number; /* position · n_writers + writer */
        double key;    /* larger is better */
};

static int compare_nodes(const void *a, const void *b)
{
        const struct node *x = a, *y = b;

        if (x->key != y->key)
                return x->key > y->key ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

static bool is_input(const struct hap_graph *graph, size_t node)
{
        return node % (size_t)graph->n_writers < (size_t)graph->n_inputs;
}

/* The heads and MLPs with their scores, the best first; returns their number. */
static size_t rank_nodes(const struct hap_edges *scores, bool by_sign, struct node *nodes)
{
        const struct hap_graph *graph = &scores->graph;
        const size_t n = hap_graph_n_nodes(graph);
        size_t n_ranked = 0;

        for (size_t i = 0; i < n; i++)
                nodes[i] = (struct node){.number = i};
        for (size_t e = 0; e < graph->n_edges; e++)
                if (scores->given[e])
                        nodes[hap_graph_edge_from(graph, e)].score += scores->score[e];
        for (size_t i = 0; i < n; i++) {
                nodes[i].key = by_sign ? nodes[i].score : fabs(nodes[i].score);
                if (!is_input(graph, i))
                        nodes[n_ranked++] = nodes[i];
        }
        qsort(nodes, n_ranked, sizeof *nodes, compare_nodes);
        return n_ranked;
}

static int check(const struct hap_edges *scores, const struct hap_selection_options *options,
                 size_t n_nodes, struct hap_error *err)
{
        const struct hap_count_or_percent *keep = &options->keep;

        if (options->greedy || options->layer_quota)
                return hap_fail(err, HAP_EUSAGE, "nodes cannot be selected greedily or with a quota "
                                "per layer");
        if (scores->n_given == 0)
                return hap_fail(err, HAP_EINPUT, "cannot select from '%s': it contains no scores",
                                scores->name);
        if (keep->given && !keep->percent && keep->value > (double)n_nodes)
                return hap_fail(err, HAP_EUSAGE, "cannot keep %.0f nodes of '%s': its graph has %zu "
                                "heads and MLPs", keep->value, scores->name, n_nodes);
        return HAP_OK;
}

int hap_select_nodes(const struct hap_edges *scores, const struct hap_selection_options *options,
                     float *z, size_t *n, struct hap_error *err)
{
        const struct hap_graph *graph = &scores->graph;
        const size_t all = hap_graph_n_nodes(graph);
        struct node *nodes = calloc(all, sizeof *nodes);
        bool *kept = calloc(all, sizeof *kept);
        int rc = nodes && kept ? HAP_OK : hap_fail_memory(err, "the selection");

        *n = 0;
        if (rc == 0) {
                const size_t n_ranked = rank_nodes(scores, options->by_sign, nodes);
                const size_t limit = options->keep.given
                                             ? hap_count_or_percent_of(&options->keep, n_ranked)
                                             : n_ranked;

                rc = check(scores, options, n_ranked, err);
                for (size_t i = 0; i < limit; i++)
                        kept[nodes[i].number] = nodes[i].key >= options->threshold;
        }
        for (size_t e = 0; e < graph->n_edges && rc == 0; e++) {
                const size_t from = hap_graph_edge_from(graph, e);

                if ((kept[from] || is_input(graph, from)) && hap_graph_edge_leads(graph, e, kept)) {
                        z[e] = 1;
                        ++*n;
                }
        }
        free(nodes);
        free(kept);
        return rc;
}
