/* A circuit as SVG: layers from bottom to top, the heads of a layer in a row
 * and its MLP right of them, a little higher; every edge runs upwards. A head
 * has the same place in every picture, so that two circuits can be compared.
 * Colours are of medium lightness: they suit light and dark backgrounds. */
#include "show/show_svg.h"

#include <math.h>
#include <string.h>

#include "show/drawing_layout.h"
#include "show/show_output.h"

static const char *const kind_names[] = {
        [HAP_READS_Q] = "q", [HAP_READS_K] = "k", [HAP_READS_V] = "v",
        [HAP_READS_MLP] = "m", [HAP_READS_LOGITS] = "l",
};

static const char style[] =
        "text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#7b8490}"
        ".t{font-size:17px;font-weight:bold}.s{font-size:12.5px}"
        ".n text,.n .w{fill:#fff}.n text{text-anchor:middle}"
        ".n circle,.n rect{fill:#5b6675;stroke:#8d99a8;stroke-width:1}"
        ".e path{fill:none;stroke-linecap:round}"
        ".q{stroke:#3d8bfd}.k{stroke:#e08a1e}.v{stroke:#2fa76b}"
        ".m{stroke:#a06bea}.l{stroke:#e0526a}"
        ".d{fill:#8d99a8;fill-opacity:.45}.b{fill:#808a96;fill-opacity:.08}"
        ".g path{stroke-width:3;fill:none}";

/* --- edges --- */

static void draw_edge(const struct hap_drawing_layout *l, const struct hap_drawing *d,
                      const struct hap_drawn *edge, bool details, FILE *out)
{
        int writer = hap_graph_edge_writer(l->graph, edge->edge);
        int reader = hap_graph_edge_reader(l->graph, edge->edge);
        struct hap_curve c = hap_drawing_layout_curve(l, edge->edge);
        double n = (double)d->n;
        double thick = hap_clamp(3.4 - .8 * log10(fmax(n, 20) / 20), 1.3, 3.4);
        double opaque = hap_clamp(.95 - .28 * log10(fmax(n, 30) / 30), .4, .95);
        double by = d->graded ? pow(edge->strength, .4) : .55;
        char name[HAP_NAME];

        fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\""
                " stroke-width=\"%.2f\" stroke-opacity=\"%.2f\"%s",
                kind_names[hap_graph_reader(l->graph, reader).kind], c.from.x, c.from.y,
                c.pull_from.x, c.pull_from.y, c.pull_to.x, c.pull_to.y, c.to.x, c.to.y,
                thick * (.2 + .8 * by), opaque * (.35 + .65 * by),
                edge->score < 0 ? " stroke-dasharray=\"5 4\"" : "");
        if (!details && l->graph->positions.n == 0) {
                fputs("/>\n", out);
                return;
        }
        hap_graph_edge_name(l->graph, edge->edge, name);
        if (details)
                fprintf(out, " data-f=\"%d\" data-t=\"%d\" data-e=\"%zu\"", writer,
                        hap_graph_reader_node(l->graph, reader), edge->edge);
        fputs("><title>", out);
        hap_write_escaped(out, name);
        if (d->values_are_z)
                fprintf(out, ", z %.3g", edge->z);
        if (d->by_score)
                fprintf(out, ", score %.4g", edge->score);
        fputs("</title></path>\n", out);
}

/* --- nodes --- */

static void draw_bands(const struct hap_drawing_layout *l, FILE *out)
{
        for (int layer = 0; layer < l->graph->n_layers; layer++) {
                double y = hap_drawing_layout_row(l, layer);

                fprintf(out, "<rect class=\"b\" x=\"12\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\""
                        " rx=\"8\"/><text class=\"s\" x=\"22\" y=\"%.1f\">layer %d</text>\n",
                        y + 3, l->width - 24, l->row - 6, y + .62 * l->row + 4, layer);
        }
}

static void draw_pill(const struct hap_drawing_layout *l, struct hap_point p, const char *name,
                      int writer, const char *degrees, FILE *out)
{
        fprintf(out, "<g data-n=\"%d\"><title>%s%s</title><rect x=\"%.1f\" y=\"%.1f\""
                " width=\"%.1f\" height=\"22\" rx=\"11\"/><text x=\"%.1f\" y=\"%.1f\""
                " font-size=\"12.5\">%s</text></g>\n", writer, name, degrees, p.x - l->half,
                p.y - 11, 2 * l->half, p.x, p.y + 4.3, name);
}

static void draw_head(const struct hap_drawing_layout *l, struct hap_point p, struct hap_node node,
                      int writer, const char *degrees, FILE *out)
{
        char label[32];
        double size;
        int length = snprintf(label, sizeof label, "%d.%d", node.layer, node.head);

        size = fmin(12.5, 1.78 * l->radius / (.58 * length));
        fprintf(out, "<g data-n=\"%d\"><title>a%d.h%d%s</title><circle cx=\"%.1f\" cy=\"%.1f\""
                " r=\"%.1f\"/><text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\">%s</text></g>\n",
                writer, node.layer, node.head, degrees, p.x, p.y, l->radius, p.x,
                p.y + .35 * size, size, label);
}

static void draw_mlp(const struct hap_drawing_layout *l, struct hap_point p, struct hap_node node,
                     int writer, const char *degrees, FILE *out)
{
        double half = l->mlp;

        fprintf(out, "<g data-n=\"%d\"><title>m%d%s</title><rect x=\"%.1f\" y=\"%.1f\""
                " width=\"%.1f\" height=\"%.1f\" rx=\"3\"/><text x=\"%.1f\" y=\"%.1f\""
                " font-size=\"11\">m%d</text></g>\n", writer, node.layer, degrees, p.x - half,
                p.y - half, 2 * half, 2 * half, p.x, p.y + 3.9, node.layer);
}

static void draw_node(const struct hap_drawing_layout *l, const struct hap_drawing *d, int writer,
                      FILE *out)
{
        struct hap_node node = hap_graph_writer(l->graph, writer);
        struct hap_point p = hap_drawing_layout_node(l, writer);
        char degrees[64], name[HAP_NAME];

        hap_graph_writer_name(l->graph, writer, name);
        snprintf(degrees, sizeof degrees, ": %d in, %d out", d->in[writer], d->out[writer]);
        if (node.layer < 0)
                draw_pill(l, p, name, writer, degrees, out);
        else if (d->in[writer] + d->out[writer] == 0)
                fprintf(out, "<circle class=\"d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\"><title>%s:"
                        " %s</title></circle>\n", p.x, p.y, name,
                        d->values_are_z ? "not in the circuit" : "not among the best");
        else if (node.kind == HAP_WRITES_MLP)
                draw_mlp(l, p, node, writer, degrees, out);
        else
                draw_head(l, p, node, writer, degrees, out);
}

static void draw_nodes(const struct hap_drawing_layout *l, const struct hap_drawing *d, FILE *out)
{
        char degrees[64];

        for (int pass = 0; pass < 2; pass++) {
                fputs(pass ? "<g class=\"n\">\n" : "<g>\n", out);
                for (int w = 0; w < l->graph->n_writers; w++) {
                        bool drawn = w < l->graph->n_inputs || d->in[w] + d->out[w] > 0;

                        if (drawn == (pass == 1))
                                draw_node(l, d, w, out);
                }
                if (pass == 1) {
                        snprintf(degrees, sizeof degrees, ": %d in", d->into_logits);
                        draw_pill(l, hap_drawing_layout_logits(l), "logits", -1, degrees, out);
                }
                fputs("</g>\n", out);
        }
}

/* --- title and legend --- */

static void draw_title(const struct hap_drawing *d, FILE *out)
{
        char title[HAP_TITLE], counts[HAP_TITLE];

        hap_drawing_title(d, title);
        hap_drawing_counts(d, counts);
        fputs("<text class=\"t\" x=\"18\" y=\"32\">", out);
        hap_write_escaped(out, title);
        fprintf(out, "</text><text class=\"s\" x=\"18\" y=\"53\">%s</text>\n", counts);
}

static void draw_legend(const struct hap_drawing_layout *l, const struct hap_drawing *d, FILE *out)
{
        static const char *const words[] = {"into q", "k", "v", "MLP", "logits"};
        double x = 22, y = l->height - 22;
        bool negative = false;

        for (size_t i = 0; i < d->n; i++)
                negative |= d->edges[i].score < 0 && !d->edges[i].dead;
        fputs("<g class=\"g\">\n", out);
        for (int kind = 0; kind < 5; kind++) {
                fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fh20\"/><text class=\"s\" x=\"%.1f\""
                        " y=\"%.1f\">%s</text>\n", kind_names[kind], x, y, x + 26, y + 4,
                        words[kind]);
                x += 26 + 7.2 * (double)strlen(words[kind]) + 16;
        }
        fprintf(out, "<text class=\"s\" x=\"%.1f\" y=\"%.1f\">%s%s</text>\n</g>\n", x, y + 4,
                !d->graded ? "" : d->by_score ? "thickness: |score|" : "thickness: z",
                !negative ? "" : d->graded ? ", dashed: negative" : "dashed: negative");
}

void hap_draw(const struct hap_drawing *d, bool details, FILE *out)
{
        struct hap_drawing_layout l = hap_drawing_layout_of(d);

        fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\""
                " width=\"%.0f\" height=\"%.0f\" role=\"img\">\n<style>%s</style>\n",
                l.width, l.height, l.width, l.height, style);
        draw_title(d, out);
        draw_bands(&l, out);
        fputs("<g class=\"e\">\n", out);
        for (size_t i = 0; i < d->n; i++) {
                if (!d->edges[i].dead)
                        draw_edge(&l, d, &d->edges[i], details, out);
        }
        fputs("</g>\n", out);
        draw_nodes(&l, d, out);
        draw_legend(&l, d, out);
        fputs("</svg>\n", out);
}

int hap_show_svg(const struct hap_drawing *drawing, FILE *out, struct hap_error *err)
{
        hap_draw(drawing, false, out);
        return hap_show_written(out, err);
}
