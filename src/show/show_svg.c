/* A circuit as SVG. Colours follow the theme of the viewer where it has one; on a white background
 * they are those of the light theme. If there are too many edges, the strongest are drawn, and a
 * node is darker the more its edges sum to. */
#include "show/show_svg.h"

#include <math.h>
#include <string.h>

#include "show/drawing_layout.h"
#include "show/show_output.h"

static const char *const kind_names[] = {
        [HAP_READS_Q] = "q", [HAP_READS_K] = "k", [HAP_READS_V] = "v",
        [HAP_READS_MLP] = "m", [HAP_READS_LOGITS] = "l",
};

/* The colours of kinds differ for every kind of colour vision: src/show/page/colours.js. */
static const char style[] =
        "text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#57606a}"
        ".t{font-size:17px;font-weight:bold;fill:#1f2328}.s{font-size:12.5px}"
        ".n text{text-anchor:middle;fill:#fff}.n circle,.n rect{fill:#3d4a5c}"
        ".n .h circle,.n .h rect{fill:#fff;stroke:#8d99a8}.n .h text{fill:#57606a}"
        ".e path{fill:none;stroke-linecap:round}"
        ".q{stroke:#1f9be8}.k{stroke:#cc8500}.v{stroke:#3648f6}.m{stroke:#8c4891}.l{stroke:#c2162f}"
        ".o{font-size:10.5px;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}"
        ".d{fill:#8d99a8;fill-opacity:.6}.b{fill:#808a96;fill-opacity:.09}"
        ".c{fill:none;stroke:#8d99a8;stroke-opacity:.5}.g path{stroke-width:3;fill:none}";

static const char dark_style[] =
        "@media (prefers-color-scheme:dark){text{fill:#9aa7b4}.o{stroke:#0f141a}.t{fill:#e6edf3}"
        ".n text{fill:#0f141a}.n circle,.n rect{fill:#b9c6d6}"
        ".n .h circle,.n .h rect{fill:#0f141a}.n .h text{fill:#9aa7b4}"
        ".q{stroke:#75c9ff}.k{stroke:#e5bb24}.v{stroke:#daf5ca}.m{stroke:#9777fe}"
        ".l{stroke:#ff4683}}";

/* --- edges --- */

static void draw_curve(const struct hap_drawing_layout *l, const struct hap_drawn *edge, size_t to,
                       FILE *out)
{
        const struct hap_drawing *d = l->drawing;
        const int reader = hap_graph_edge_reader(l->graph, edge->edge);
        const struct hap_curve c = hap_drawing_layout_curve(l, edge->edge, to);
        const double n = (double)d->n_single;
        const double thick = hap_clamp(3.6 - .8 * log10(fmax(n, 20) / 20), 1.5, 3.6);
        const double opaque = hap_clamp(.95 - .28 * log10(fmax(n, 30) / 30), .5, .95);
        const double by = d->graded ? pow(edge->strength, .4) : .55;

        fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\""
                " stroke-width=\"%.2f\" stroke-opacity=\"%.2f\"%s",
                kind_names[hap_graph_reader(l->graph, reader).kind], c.from.x, c.from.y,
                c.pull_from.x, c.pull_from.y, c.pull_to.x, c.pull_to.y, c.to.x, c.to.y,
                thick * (.2 + .8 * by), opaque * (.45 + .55 * by),
                d->by_score && edge->score < 0 ? " stroke-dasharray=\"5 4\"" : "");
}

/* The edge's curve, or one to each of its places, with a title that names it. */
static void draw_edge(const struct hap_drawing_layout *l, const struct hap_drawn *edge, FILE *out)
{
        const struct hap_drawing *d = l->drawing;
        size_t to[HAP_MAX_POSITIONS];
        const int n = hap_drawing_to(d, edge->edge, to);
        char name[HAP_NAME];

        hap_graph_edge_name(l->graph, edge->edge, name);
        for (int i = 0; i < n; i++) {
                if (to[i] == hap_drawing_from(d, edge->edge))
                        continue;
                draw_curve(l, edge, to[i], out);
                fprintf(out, " data-f=\"%zu\" data-t=\"%d\" data-e=\"%zu\"><title>",
                        hap_drawing_from(d, edge->edge),
                        to[i] < d->n_places ? (int)to[i] : -1, edge->edge);
                hap_write_escaped(out, name);
                if (d->values_are_z)
                        fprintf(out, ", z %.3g", edge->z);
                if (d->ranked_by && strcmp(d->ranked_by, "z") != 0)
                        fprintf(out, ", %s %.4g", d->ranked_by, edge->score);
                fputs("</title></path>\n", out);
        }
}

/* --- nodes --- */

static void draw_bands(const struct hap_drawing_layout *l, FILE *out)
{
        for (int i = 0; i < l->n_bands; i++) {
                const struct hap_band *b = &l->bands[i];

                if (!b->empty)
                        fprintf(out, "<rect class=\"b\" x=\"12\" y=\"%.1f\" width=\"%.1f\""
                                " height=\"%.1f\" rx=\"8\"/><text class=\"s\" x=\"22\" y=\"%.1f\">"
                                "layer %d</text>\n", b->y + 3, l->width - 24, l->row - 6,
                                b->y + .62 * l->row + 4, b->first);
        }
        for (int p = 0; l->drawing->options.columns && p < l->graph->n_positions; p++) {
                const struct hap_column *c = &l->column[p];

                fprintf(out, "<rect class=\"c\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\""
                        " rx=\"8\"/><text class=\"s\" font-weight=\"bold\" text-anchor=\"middle\""
                        " x=\"%.1f\" y=\"%.1f\">", c->x, l->top - 76, c->width,
                        l->foot - l->top + 116, c->x + c->width / 2, l->top - 60);
                hap_write_escaped(out, l->graph->positions.name[p]);
                fputs("</text>\n", out);
        }
}

/* The names of layers without nodes, in front of the edges that cross them. */
static void draw_collapsed(const struct hap_drawing_layout *l, FILE *out)
{
        for (int i = 0; i < l->n_bands; i++) {
                const struct hap_band *b = &l->bands[i];

                if (!b->empty)
                        continue;
                fprintf(out, "<text class=\"o\" x=\"22\" y=\"%.1f\">", b->y + 14);
                if (b->first == b->last)
                        fprintf(out, "layer %d: no node</text>\n", b->first);
                else
                        fprintf(out, "layers %d to %d: no node</text>\n", b->first, b->last);
        }
}

#define BLACK_TO_WHITE .735 /* up to here, black text has a contrast of 4.5, then white text */

struct shade {
        char fill[32];    /* an attribute, or empty: the usual colour */
        const char *text; /* of the text, likewise */
};

/* A mixture of a light and a dark blue, the darker the larger the share. */
static struct shade shade_of(double share)
{
        static const double from[] = {226, 235, 247}, to[] = {11, 79, 158};
        struct shade s;

        snprintf(s.fill, sizeof s.fill, " style=\"fill:#%02x%02x%02x\"",
                 (unsigned)(from[0] + (to[0] - from[0]) * share),
                 (unsigned)(from[1] + (to[1] - from[1]) * share),
                 (unsigned)(from[2] + (to[2] - from[2]) * share));
        s.text = share > BLACK_TO_WHITE ? " style=\"fill:#fff\"" : " style=\"fill:#000\"";
        return s;
}

/* Of the inner nodes, the largest sum. */
static double largest_sum(const struct hap_drawing *d)
{
        double most = 0;

        for (size_t p = 0; p < d->n_places; p++)
                if (hap_drawing_writer(d, p) >= d->graph->n_inputs)
                        most = fmax(most, d->sum[p]);
        return most;
}

/* A head's circle, an MLP's square, or the wide box of the input and the logits. */
static void draw_shape(const struct hap_drawing_layout *l, const struct hap_placed *p,
                       const struct hap_node *node, const char *label, const struct shade *s,
                       FILE *out)
{
        double size = 12.5;

        if (!node || node->layer < 0) {
                fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"22\" rx=\"11\"/>",
                        p->x - p->half, p->y - 11, 2 * p->half);
        } else if (node->kind == HAP_WRITES_MLP) {
                fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\"%s"
                        "/>", p->x - p->half, p->y - p->half, 2 * p->half, 2 * p->half, s->fill);
                size = fmin(11, 1.75 * p->half / (.62 * (double)strlen(label)));
        } else {
                size = fmin(12.5, 1.78 * l->radius / (.58 * (double)strlen(label)));
                fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"%s/>", p->x, p->y,
                        l->radius, s->fill);
        }
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\"%s>%s</text></g>\n", p->x,
                p->y + .35 * size, size, s->text, label);
}

/* A node of the circuit is solid, or an outline if none of its edges is drawn. */
static void draw_node(const struct hap_drawing_layout *l, size_t place, double most, FILE *out)
{
        const struct hap_drawing *d = l->drawing;
        const int writer = hap_drawing_writer(d, place);
        const struct hap_node node = hap_graph_writer(l->graph, writer);
        const bool solid = d->touched[place] || (node.layer < 0 && !d->options.columns);
        struct shade s = {.text = ""};
        char name[HAP_NAME], label[HAP_NAME];

        hap_graph_writer_name(l->graph, writer, name);
        snprintf(label, sizeof label, "%s", name);
        if (node.kind == HAP_WRITES_HEAD)
                snprintf(label, sizeof label, "%d.%d", node.layer, node.head);
        if (node.expert >= 0)
                snprintf(label, sizeof label, "e%d", node.expert);
        if (d->n_single < d->n && solid && node.layer >= 0 && most > 0)
                s = shade_of(pow(fmin(d->sum[place] / most, 1), .6));
        fprintf(out, "<g data-n=\"%zu\"%s><title>%s", place, solid ? "" : " class=\"h\"", name);
        if (d->options.columns) {
                fputc('@', out);
                hap_write_escaped(out, l->graph->positions.name[hap_drawing_position(d, place)]);
        }
        fprintf(out, ": %d in, %d out</title>", d->in[place], d->out[place]);
        draw_shape(l, &l->node[place], &node, label, &s, out);
}

static void draw_dots(const struct hap_drawing_layout *l, FILE *out)
{
        const struct hap_drawing *d = l->drawing;

        for (size_t p = 0; p < d->n_places && !d->options.columns; p++) {
                char name[HAP_NAME];

                if (l->node[p].there)
                        continue;
                hap_graph_writer_name(l->graph, hap_drawing_writer(d, p), name);
                if (l->in_empty_band[hap_graph_writer(l->graph, (int)p).layer])
                        continue;
                fprintf(out, "<circle class=\"d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\"><title>"
                        "%s: %s</title></circle>\n", l->node[p].x, l->node[p].y, name,
                        d->values_are_z ? "not in the circuit" : "not among the best");
        }
}

static void draw_nodes(const struct hap_drawing_layout *l, FILE *out)
{
        const struct hap_drawing *d = l->drawing;
        const double most = largest_sum(d);

        fputs("<g>\n", out);
        draw_dots(l, out);
        fputs("</g>\n<g class=\"n\">\n", out);
        for (size_t p = 0; p < d->n_places; p++)
                if (l->node[p].there)
                        draw_node(l, p, most, out);
        for (int p = 0; p < (d->options.columns ? l->graph->n_positions : 1); p++) {
                int into = d->into_logits[p];

                if (!l->node[d->n_places + (size_t)p].there)
                        continue;
                fprintf(out, "<g data-n=\"-1\"><title>logits: %d in</title>", into);
                draw_shape(l, &l->node[d->n_places + (size_t)p], NULL, "logits",
                           &(struct shade){.text = ""}, out);
        }
        fputs("</g>\n", out);
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

static void draw_legend(const struct hap_drawing_layout *l, FILE *out)
{
        static const char *const words[] = {"into q", "k", "v", "MLP", "logits"};
        const struct hap_drawing *d = l->drawing;
        double x = 22, y = l->height - 22;
        bool negative = false;

        for (size_t i = d->n - d->n_single; i < d->n; i++)
                negative |= d->by_score && d->edges[i].score < 0 && !d->edges[i].dead;
        fputs("<g class=\"g\">\n", out);
        for (int kind = 0; kind < 5; kind++) {
                fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fh20\"/><text class=\"s\" x=\"%.1f\""
                        " y=\"%.1f\">%s</text>\n", kind_names[kind], x, y, x + 26, y + 4,
                        words[kind]);
                x += 26 + 7.2 * (double)strlen(words[kind]) + 16;
        }
        fprintf(out, "<text class=\"s\" x=\"%.1f\" y=\"%.1f\">%s%s%s%s%s</text>\n</g>\n", x, y + 4,
                d->graded ? "width: " : "",
                !d->graded ? "" : d->by_score ? "|score|" : d->ranked_by,
                !negative ? "" : d->graded ? ", dashed: negative" : "dashed: negative",
                d->n_single < d->n && d->graded ? ", " : "",
                d->n_single < d->n ? "shade: sum of a node's edges" : "");
}

int hap_draw(const struct hap_drawing *d, FILE *out, struct hap_error *err)
{
        struct hap_drawing_layout l;
        char counts[HAP_TITLE];
        double width;
        int rc = hap_drawing_layout_init(&l, d, err);

        if (rc < 0)
                return rc;
        hap_drawing_counts(d, counts);
        width = fmax(l.width, 6.6 * (double)strlen(counts) + 40);
        fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\""
                " width=\"%.0f\" height=\"%.0f\" role=\"img\">\n<style>%s%s</style>\n",
                width, l.height, width, l.height, style, d->options.white ? "" : dark_style);
        if (d->options.white)
                fputs("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", out);
        draw_title(d, out);
        draw_bands(&l, out);
        fputs("<g class=\"e\">\n", out);
        for (size_t i = d->n - d->n_single; i < d->n; i++) {
                if (!d->edges[i].dead)
                        draw_edge(&l, &d->edges[i], out);
        }
        fputs("</g>\n", out);
        draw_collapsed(&l, out);
        draw_nodes(&l, out);
        draw_legend(&l, out);
        fputs("</svg>\n", out);
        hap_drawing_layout_release(&l);
        return HAP_OK;
}

int hap_show_svg(const struct hap_drawing *drawing, FILE *out, struct hap_error *err)
{
        const int rc = hap_draw(drawing, out, err);

        return rc < 0 ? rc : hap_show_written(out, err);
}
