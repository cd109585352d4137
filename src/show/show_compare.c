#include "show/show_compare.h"

#include <stdlib.h>
#include <string.h>

#include "show/show_table.h"

enum { MAX_NODES = 20, MAX_TITLES = 80 /* columns that the names of all circuits may take */ };

/* edges[circuit][node]: into and out of it; into[circuit][layer], the last is the logits. */
struct counts {
        const struct hap_graph *graph;
        const char **names; /* [n], borrowed; NULL: the columns have numbers */
        size_t n; /* circuits */
        size_t *edges, *into;
};

static void count_edges(struct counts *c, size_t circuit, const struct hap_edges *edges)
{
        const struct hap_graph *g = c->graph;
        size_t *nodes = c->edges + circuit * (size_t)g->n_writers;
        size_t *into = c->into + circuit * ((size_t)g->n_layers + 1);

        for (size_t e = 0; e < g->n_edges; e++) {
                const int reader = hap_graph_edge_reader(g, e), to = hap_graph_reader_node(g, reader);

                if (edges->z[e] <= 0)
                        continue;
                nodes[hap_graph_edge_writer(g, e)]++;
                if (to >= 0)
                        nodes[to]++;
                into[to < 0 ? g->n_layers : hap_graph_reader(g, reader).layer]++;
        }
}

static int add_row(struct hap_table *table, const char *name, const size_t *first, size_t stride,
                   size_t n)
{
        const long row = hap_table_row(table);
        char text[32];
        int rc = row < 0 ? -1 : hap_table_set(table, (size_t)row, 0, name);

        for (size_t i = 0; i < n && rc == 0; i++) {
                snprintf(text, sizeof text, "%zu", first[i * stride]);
                rc = hap_table_set(table, (size_t)row, i + 1, text);
        }
        return rc;
}

static int begin_table(struct hap_table *table, const char *title, const struct counts *c)
{
        char text[32];
        int rc = hap_table_column(table, title) < 0 ? -1 : 0;

        for (size_t i = 0; i < c->n && rc == 0; i++) {
                snprintf(text, sizeof text, "%zu", i + 1);
                rc = hap_table_column(table, c->names ? c->names[i] : text) < 0 ? -1 : 0;
        }
        return rc;
}

/* Whether the names fit side by side and differ, so that they can be titles of columns. */
static bool are_titles(const char *const *names, size_t n)
{
        size_t width = 0;

        for (size_t i = 0; i < n; i++) {
                width += hap_text_width(names[i]) + 2;
                for (size_t j = 0; j < i; j++)
                        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): all are set */
                        if (strcmp(names[i], names[j]) == 0)
                                return false;
        }
        return width <= MAX_TITLES;
}

static int write_layers(const struct counts *c, FILE *out)
{
        const size_t stride = (size_t)c->graph->n_layers + 1;
        struct hap_table table = {0};
        int rc = begin_table(&table, "edges into layer", c);
        char name[32];

        for (size_t layer = 0; layer < stride && rc == 0; layer++) {
                snprintf(name, sizeof name, "%zu", layer);
                rc = add_row(&table, layer + 1 < stride ? name : "logits", c->into + layer, stride,
                             c->n);
        }
        if (rc == 0)
                hap_table_write(&table, 2, out);
        hap_table_release(&table);
        return rc;
}

static size_t total(const struct counts *c, size_t node)
{
        size_t sum = 0;

        for (size_t i = 0; i < c->n; i++)
                sum += c->edges[i * (size_t)c->graph->n_writers + node];
        return sum;
}

/* The node with the most edges among those that are not done; ties by the smaller number. */
static size_t next_node(const struct counts *c, const bool *done)
{
        const size_t n = (size_t)c->graph->n_writers;
        size_t best = n;

        for (size_t node = (size_t)c->graph->n_inputs; node < n; node++)
                if (!done[node] && total(c, node) && (best == n || total(c, node) > total(c, best)))
                        best = node;
        return best;
}

static int write_nodes(const struct counts *c, FILE *out)
{
        const size_t n = (size_t)c->graph->n_writers;
        bool *done = calloc(n, sizeof *done);
        struct hap_table table = {0};
        int rc = done ? begin_table(&table, "edges of", c) : -1;
        char name[HAP_NAME];

        for (size_t i = 0; i < MAX_NODES && rc == 0; i++) {
                const size_t node = next_node(c, done);

                if (node == n)
                        break;
                done[node] = true;
                hap_graph_writer_name(c->graph, (int)node, name);
                rc = add_row(&table, name, c->edges + node, n, c->n);
        }
        if (rc == 0)
                hap_table_write(&table, 2, out);
        hap_table_release(&table);
        free(done);
        return rc;
}

int hap_write_comparison(const struct hap_show *show, FILE *out, struct hap_error *err)
{
        struct counts c = {0};
        const char **names;
        size_t at = 0;
        int rc;

        for (size_t i = 0; i < show->n; i++) {
                const struct hap_section *s = show->sections + i;

                if (!hap_section_is_circuit(s))
                        continue;
                if (c.n++ > 0 && !hap_graph_equal(c.graph, &s->edges.graph))
                        return HAP_OK;
                c.graph = &s->edges.graph;
        }
        if (c.n < 2)
                return HAP_OK;
        c.edges = calloc(c.n * (size_t)c.graph->n_writers, sizeof *c.edges);
        c.into = calloc(c.n * ((size_t)c.graph->n_layers + 1), sizeof *c.into);
        names = calloc(c.n, sizeof *names);
        for (size_t i = 0; i < show->n && c.edges && c.into && names; i++) {
                if (!hap_section_is_circuit(show->sections + i))
                        continue;
                names[at] = show->sections[i].name;
                count_edges(&c, at++, &show->sections[i].edges);
        }
        rc = c.edges && c.into && names ? 0 : -1;
        c.names = rc == 0 && are_titles(names, c.n) ? names : NULL;
        fputs(c.names ? "\n" : "\ncircuits in the order above\n", out);
        if (rc == 0)
                rc = write_layers(&c, out);
        fputc('\n', out);
        if (rc == 0)
                rc = write_nodes(&c, out);
        free(names);
        free(c.edges);
        free(c.into);
        return rc == 0 ? HAP_OK : hap_fail_memory(err, "a table");
}
