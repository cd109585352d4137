/* A graph for Graphviz: layers as ranks, from the bottom to the top. */
#include "show/show_dot.h"

#include "show/show_output.h"

static const char *const colours[] = {
        [HAP_READS_Q] = "#1f9be8", [HAP_READS_K] = "#cc8500", [HAP_READS_V] = "#3648f6",
        [HAP_READS_MLP] = "#8c4891", [HAP_READS_LOGITS] = "#c2162f",
};

static bool is_drawn(const struct hap_drawing *d, int writer)
{
        return d->in[writer] + d->out[writer] > 0;
}

static void write_layer(const struct hap_drawing *d, int layer, FILE *out)
{
        const struct hap_graph *g = d->graph;
        const int mlp = hap_graph_mlp_writer(g, layer);
        char name[HAP_NAME];

        fputs("  { rank=same;", out);
        for (int h = 0; h < g->n_heads; h++) {
                if (is_drawn(d, hap_graph_head_writer(g, layer, h)))
                        fprintf(out, " \"a%d.h%d\";", layer, h);
        }
        fputs(" }\n", out);
        for (int w = mlp; w < mlp + g->n_mlps; w++) {
                if (!is_drawn(d, w))
                        continue;
                hap_graph_writer_name(g, w, name);
                fprintf(out, "  \"%s\" [shape=box];\n", name);
        }
}

static void write_edge(const struct hap_drawing *d, const struct hap_drawn *edge, FILE *out)
{
        int reader = hap_graph_edge_reader(d->graph, edge->edge);
        int fed = hap_graph_reader_node(d->graph, reader);
        char from[HAP_NAME], to[HAP_NAME] = "logits", name[HAP_NAME];

        hap_graph_writer_name(d->graph, hap_graph_edge_writer(d->graph, edge->edge), from);
        if (fed >= 0)
                hap_graph_writer_name(d->graph, fed, to);
        hap_graph_edge_name(d->graph, edge->edge, name);
        fprintf(out,
                "  \"%s\" -> \"%s\" [color=\"%s\", penwidth=%.2f, style=%s, tooltip=\"%s\"];\n",
                from, to, colours[hap_graph_reader(d->graph, reader).kind],
                .4 + 2.6 * edge->strength, d->by_score && edge->score < 0 ? "dashed" : "solid", name);
}

int hap_show_dot(const struct hap_drawing *d, FILE *out, struct hap_error *err)
{
        char counts[HAP_TITLE];

        hap_drawing_counts(d, counts);
        fprintf(out, "digraph circuit {\n  label=\"%s\";\n  rankdir=BT;\n"
                "  node [shape=circle, fontname=\"Helvetica\"];\n"
                "  \"logits\" [shape=box];\n", counts);
        for (int w = 0; w < d->graph->n_inputs; w++) {
                char name[HAP_NAME];

                hap_graph_writer_name(d->graph, w, name);
                fprintf(out, "  \"%s\" [shape=box];\n", name);
        }
        for (int layer = 0; layer < d->graph->n_layers; layer++)
                write_layer(d, layer, out);
        for (size_t i = 0; i < d->n; i++) {
                if (!d->edges[i].dead)
                        write_edge(d, &d->edges[i], out);
        }
        fputs("}\n", out);
        return hap_show_written(out, err);
}
