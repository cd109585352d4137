#include "show/show_edges.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show/drawing.h"
#include "show/show_phrase.h"
#include "show/show_table.h"

enum { BAR = 30, USUAL_TOP = 20, MOST_BY_READER = 500 };

struct ranked_edge {
        double size;
        size_t edge;
};

static int compare_larger(const void *a, const void *b)
{
        const struct ranked_edge *x = a, *y = b;

        if (x->size != y->size)
                return x->size > y->size ? -1 : 1;
        return x->edge < y->edge ? -1 : x->edge > y->edge;
}

/* A section whose edges are listed, and the scores of the input that rank a circuit, or NULL. */
struct listing {
        const struct hap_edges *edges, *scores;
        const char *by; /* hap_ranked_by */
};

static double edge_value(const struct listing *l, size_t edge)
{
        return hap_edge_rank(l->edges, l->scores, edge);
}

/* Scores are ordered by their magnitude. */
static bool by_size(const struct listing *l)
{
        return hap_ranked_by_size(l->edges, l->scores);
}

/* The given edges, the strongest first: *n of them. NULL: memory is short. */
static struct ranked_edge *ranked_edges(const struct listing *l, size_t *n)
{
        struct ranked_edge *order = malloc((l->edges->n_given + 1) * sizeof *order);

        *n = 0;
        for (size_t e = 0; order && e < l->edges->graph.n_edges; e++) {
                const double value = l->edges->given[e] ? edge_value(l, e) : 0;

                if (l->edges->given[e])
                        order[(*n)++] = (struct ranked_edge){by_size(l) ? fabs(value) : value, e};
        }
        if (order)
                qsort(order, *n, sizeof *order, compare_larger);
        return order;
}

static void write_ranked(const struct listing *l, const struct ranked_edge *edge, double most,
                         int widest, FILE *out)
{
        static const char bar[BAR + 1] = "##############################";
        const double share = most > 0 ? fmax(edge->size, 0) / most : 0;
        const double *cost = l->edges->cost;
        char name[HAP_NAME];

        hap_graph_edge_name(&l->edges->graph, edge->edge, name);
        fprintf(out, "  %-*s  ", widest, name);
        if (strcmp(l->by, "z") == 0)
                fprintf(out, "%6.4f", edge_value(l, edge->edge));
        else
                fprintf(out, "%+11.4e", edge_value(l, edge->edge));
        if (cost && isfinite(cost[edge->edge]) && strcmp(l->by, "cost") != 0)
                fprintf(out, "  %+11.4e", cost[edge->edge]);
        else if (cost && strcmp(l->by, "cost") != 0)
                fprintf(out, "  %11s", "-");
        fprintf(out, "  %.*s\n", (int)lround(share * BAR), bar);
}

static void write_top(const struct listing *l, const struct ranked_edge *order, size_t n,
                      size_t top, FILE *out)
{
        const char *by = by_size(l) ? "|score|" : l->by;
        const bool costs = l->edges->cost && strcmp(l->by, "cost") != 0;
        char name[HAP_NAME], shown[32], all[32];
        int widest = 0;

        top = top < n ? top : n;
        if (top == 0)
                return;
        for (size_t i = 0; i < top; i++) {
                hap_graph_edge_name(&l->edges->graph, order[i].edge, name);
                widest = (int)strlen(name) > widest ? (int)strlen(name) : widest;
        }
        hap_phrase_count(top, shown);
        hap_phrase_count(n, all);
        fprintf(out, "\n  %s of %s edges, by %s%s\n", shown, all, by,
                costs ? ", with the cost of removal in KL" : "");
        for (size_t i = 0; i < top; i++)
                write_ranked(l, &order[i], order[0].size, widest, out);
}

/* Writes the edges into one reader at one position. */
static void write_reader(const struct hap_edges *edges, int reader, int position, FILE *out)
{
        const struct hap_graph *g = &edges->graph;
        const bool *given = edges->given + (size_t)position * g->edges_per_position;
        const int wide = g->positions.n ? 11 + HAP_POSITION_NAME / 2 : 11;
        char name[2 * HAP_NAME];
        int column = 0;

        hap_graph_reader_name(g, reader, name);
        if (g->positions.n)
                snprintf(name + strlen(name), HAP_NAME, "@%s", g->positions.name[position]);
        for (int w = 0; w < hap_graph_in(g, reader); w++) {
                if (!given[hap_graph_edge(g, w, reader)])
                        continue;
                if (column == 0)
                        column = fprintf(out, "  %-*s <-", wide, name);
                else if (column > 70)
                        column = fprintf(out, "\n%*s", wide + 5, "") - 1;
                hap_graph_writer_name(g, w, name);
                column += fprintf(out, " %s", name);
        }
        if (column > 0)
                fputc('\n', out);
}

/* Writes all edges of a circuit without a ranking, grouped by reader, from the logits down. */
static void write_readers(const struct hap_edges *edges, FILE *out)
{
        const struct hap_graph *g = &edges->graph;
        char all[32];

        hap_phrase_count(edges->n_given, all);
        fprintf(out, "\n  %s edges, by reader\n", all);
        for (int r = g->n_readers - 1; r >= 0; r--)
                for (int position = 0; position < g->n_positions; position++)
                        write_reader(edges, r, position, out);
}

/* How concentrated the sum of magnitudes is. */
static void write_spread(const struct hap_edges *edges, const struct ranked_edge *order, size_t n,
                         FILE *out)
{
        size_t positive = 0, half = 0;
        double sum = 0, so_far = 0;

        for (size_t i = 0; i < n; i++) {
                sum += order[i].size;
                positive += edges->score[order[i].edge] > 0;
        }
        while (half < n && so_far < sum / 2)
                so_far += order[half++].size;
        hap_write_label(out, "scores");
        fprintf(out, "%zu positive, largest %.4g, mean magnitude %.4g\n", positive,
                n > 0 ? order[0].size : 0, n > 0 ? sum / (double)n : 0);
        hap_write_label(out, "");
        fprintf(out, "half of their sum is in %zu edges (%.2f %%)\n", half,
                n > 0 ? 100 * (double)half / (double)n : 0);
}

/* --- circuits --- */

/* Counts the edges into and out of every writer, and those into the logits; returns the
 * number of edges. z has no dead edges, so a writer with an edge out is live. */
static int count_degrees(const struct hap_graph *g, const float *z, int *in, int *out,
                         int *logits)
{
        int n = 0;

        *logits = 0;
        for (size_t e = 0; e < g->n_edges; e++) {
                int fed = hap_graph_reader_node(g, hap_graph_edge_reader(g, e));

                if (!(z[e] > 0))
                        continue;
                n++;
                out[hap_graph_edge_writer(g, e)]++;
                if (fed < 0)
                        ++*logits;
                else
                        in[fed]++;
        }
        return n;
}

static void write_layer(const struct hap_graph *g, int layer, const int *in, const int *out_of,
                        FILE *out)
{
        int mlp = hap_graph_mlp_writer(g, layer), heads = 0, written = 0, experts = 0;

        for (int h = 0; h < g->n_heads; h++)
                heads += out_of[hap_graph_head_writer(g, layer, h)] > 0;
        fprintf(out, "  %5d  ", layer);
        for (int e = 0; e < g->n_experts; e++)
                experts += out_of[mlp + e] > 0;
        if (experts)
                fprintf(out, "%9d", experts);
        else if (out_of[mlp])
                fprintf(out, "%4d>%-4d", in[mlp], out_of[mlp]);
        else
                fprintf(out, "%9s", "-    ");
        fprintf(out, "  %5d", heads);
        for (int i = 0; i < g->n_heads + g->n_experts; i++) {
                int w = hap_graph_head_writer(g, layer, i);

                if (!out_of[w])
                        continue;
                if (written > 60) {
                        fprintf(out, "\n%25s", "");
                        written = 0;
                }
                written += i < g->n_heads ? fprintf(out, "  %d.%d", layer, i)
                                          : fprintf(out, "  m%d.e%d", layer, i - g->n_heads);
                written += fprintf(out, ":%d>%d", in[w], out_of[w]);
        }
        fputc('\n', out);
}

static void write_layers(const struct hap_graph *g, const int *in, const int *out_of,
                         int logits, FILE *out)
{
        fprintf(out, "\n  layer  %s\n  logits %d in\n",
                g->n_experts ? "  experts  heads, each in>out, then experts"
                             : "MLP in>out  heads, each in>out", logits);
        for (int layer = g->n_layers - 1; layer >= 0; layer--)
                write_layer(g, layer, in, out_of, out);
        for (int w = 0; w < g->n_inputs; w++) {
                char name[HAP_NAME];

                hap_graph_writer_name(g, w, name);
                fprintf(out, "  %s %d out\n", name, out_of[w]);
        }
}

static int write_circuit_page(const struct hap_edges *edges, FILE *out, struct hap_error *err)
{
        const struct hap_graph *g = &edges->graph;
        size_t n = (size_t)g->n_writers;
        float *z = malloc(g->n_edges * sizeof *z);
        int *in = calloc(2 * n, sizeof *in), *out_of, logits, alive, heads = 0, mlps = 0;
        char all[32];

        if (!z || !in) {
                free(z);
                free(in);
                return hap_fail_memory(err, "the circuit");
        }
        out_of = in + n;
        memcpy(z, edges->z, g->n_edges * sizeof *z);
        hap_graph_drop_dead(g, z);
        alive = count_degrees(g, z, in, out_of, &logits);
        for (int w = g->n_inputs; w < g->n_writers; w++) {
                bool mlp = hap_graph_writer(g, w).kind == HAP_WRITES_MLP;

                mlps += mlp && out_of[w];
                heads += !mlp && out_of[w];
        }
        hap_phrase_count(g->n_edges, all);
        hap_write_label(out, "circuit");
        fprintf(out, "%zu of %s edges, sparsity %.2f %%; %d live, %d dead\n", edges->n_given, all,
                100 * (1 - (double)edges->n_given / (double)g->n_edges), alive,
                (int)edges->n_given - alive);
        hap_write_label(out, "");
        fprintf(out, "%d of %d heads, %d of %d %s\n", heads, g->n_layers * g->n_heads, mlps,
                g->n_layers * g->n_mlps, hap_graph_mlps_word(g));
        write_layers(g, in, out_of, logits, out);
        free(z);
        free(in);
        return HAP_OK;
}

/* Lists the strongest edges; those of a circuit without a ranking all, if they are not too many. */
static void write_list(const struct listing *l, const struct ranked_edge *order, size_t n,
                       size_t top, FILE *out)
{
        if (l->by)
                write_top(l, order, n, top ? top : USUAL_TOP, out);
        else if (n > 0 && (top >= n || n <= MOST_BY_READER))
                write_readers(l->edges, out);
        else if (n > 0)
                fprintf(out, "\n  its edges have no ranking: give scores as well to list the "
                        "strongest\n");
}

int hap_write_edges(const struct hap_edges *edges, const struct hap_edges *scores, size_t top,
                    FILE *out, struct hap_error *err)
{
        const struct listing listing = {edges, edges->z ? scores : NULL,
                                        hap_ranked_by(edges, edges->z ? scores : NULL)};
        size_t n;
        struct ranked_edge *order = ranked_edges(&listing, &n);
        int rc = HAP_OK;

        if (!order)
                return hap_fail_memory(err, "the edges");
        if (edges->z)
                rc = write_circuit_page(edges, out, err);
        else
                write_spread(edges, order, n, out);
        if (rc == 0)
                write_list(&listing, order, n, top, out);
        free(order);
        return rc;
}
