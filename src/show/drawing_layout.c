#include "show/drawing_layout.h"

#include <math.h>

/* How far the rows are shifted, in slots, so that the nodes of a column are not exactly
 * above each other. */
static const double shifts[] = {0, .3, .15};

struct hap_drawing_layout hap_drawing_layout_of(const struct hap_drawing *drawing)
{
        const struct hap_graph *g = drawing->graph;
        struct hap_drawing_layout l = {.drawing = drawing, .graph = g, .left = 74, .top = 128};
        double heads;

        l.slot = hap_clamp(600.0 / g->n_heads, 38, 112);
        l.row = hap_clamp(740.0 / g->n_layers, 66, 112);
        l.radius = hap_clamp(.22 * fmin(l.slot, l.row * .8) + 4, 13, 20);
        l.mlp = .85 * l.radius;
        l.bow = hap_clamp(90.0 / g->n_layers, 5, 14);
        heads = l.left + l.slot * (g->n_heads + .3);
        l.mlp_x = heads + .5 * l.slot + 18;
        l.width = l.mlp_x + 36 + l.bow * g->n_layers * .75 + 8;
        l.middle = (l.left + heads) / 2;
        l.half = hap_clamp(.16 * (heads - l.left), 36, 90);
        l.height = l.top + l.row * g->n_layers + 36 + 52;
        return l;
}

double hap_drawing_layout_row(const struct hap_drawing_layout *l, int layer)
{
        return l->top + l->row * (l->graph->n_layers - 1 - layer);
}

struct hap_point hap_drawing_layout_node(const struct hap_drawing_layout *l, int writer)
{
        struct hap_node node = hap_graph_writer(l->graph, writer);

        if (node.layer < 0) {
                double apart = l->graph->split_input ? l->half + 8 : 0;

                return (struct hap_point){l->middle + (writer ? apart : -apart),
                                          hap_drawing_layout_row(l, 0) + l->row + 18};
        }
        if (node.kind == HAP_WRITES_MLP)
                return (struct hap_point){l->mlp_x,
                                          hap_drawing_layout_row(l, node.layer) + .36 * l->row};
        return (struct hap_point){
                l->left + l->slot * (node.head + .5 + shifts[node.layer % 3]),
                hap_drawing_layout_row(l, node.layer) + .62 * l->row,
        };
}

struct hap_point hap_drawing_layout_logits(const struct hap_drawing_layout *l)
{
        return (struct hap_point){l->middle, l->top - 32};
}

/* --- edges --- */

/* Where an edge starts at its writer and ends at its reader. The ends at q, k and v are
 * side by side at the lower side of a head. */
static struct hap_point edge_start(const struct hap_drawing_layout *l, int writer)
{
        struct hap_point p = hap_drawing_layout_node(l, writer);
        struct hap_node node = hap_graph_writer(l->graph, writer);

        p.y -= node.layer < 0 ? 11 : node.kind == HAP_WRITES_MLP ? l->mlp : l->radius;
        return p;
}

static struct hap_point edge_end(const struct hap_drawing_layout *l, int reader)
{
        struct hap_node node = hap_graph_reader(l->graph, reader);
        struct hap_point p = hap_drawing_layout_logits(l);
        double aside = (node.kind - HAP_READS_K) * .6 * l->radius;

        if (node.kind == HAP_READS_LOGITS) {
                p.y += 11;
                return p;
        }
        p = hap_drawing_layout_node(l, hap_graph_reader_node(l->graph, reader));
        if (node.kind == HAP_READS_MLP) {
                p.y += l->mlp;
        } else {
                p.x += aside;
                p.y += sqrt(l->radius * l->radius - aside * aside);
        }
        return p;
}

static struct hap_curve bent_curve(struct hap_point from, struct hap_point to, double aside)
{
        double reach = .46 * (from.y - to.y);

        return (struct hap_curve){from, {from.x + aside, from.y - reach},
                                  {to.x + aside, to.y + reach}, to};
}

static struct hap_point point_at(const struct hap_curve *c, double t)
{
        double a = (1 - t) * (1 - t) * (1 - t), b = 3 * t * (1 - t) * (1 - t);
        double d = 3 * t * t * (1 - t), e = t * t * t;

        return (struct hap_point){
                a * c->from.x + b * c->pull_from.x + d * c->pull_to.x + e * c->to.x,
                a * c->from.y + b * c->pull_from.y + d * c->pull_to.y + e * c->to.y,
        };
}

static bool within_node(const struct hap_drawing_layout *l, int writer, struct hap_point p)
{
        const struct hap_drawing *d = l->drawing;
        struct hap_point node = hap_drawing_layout_node(l, writer);
        double reach = l->radius + 2;

        return d->in[writer] + d->out[writer] > 0 &&
               hypot(p.x - node.x, p.y - node.y) < reach;
}

/* Whether the point is on a drawn node other than these two. */
static bool on_node(const struct hap_drawing_layout *l, struct hap_point p, int but, int and_but)
{
        const struct hap_graph *g = l->graph;
        int layer = g->n_layers - 1 - (int)floor((p.y - l->top) / l->row);
        int head, writer;

        if (layer < 0 || layer >= g->n_layers)
                return false;
        head = (int)floor((p.x - l->left) / l->slot - shifts[layer % 3]);
        if (head >= 0 && head < g->n_heads) {
                writer = hap_graph_head_writer(g, layer, head);
                if (writer != but && writer != and_but && within_node(l, writer, p))
                        return true;
        }
        writer = hap_graph_mlp_writer(g, layer);
        return writer != but && writer != and_but && within_node(l, writer, p);
}

/* Tries several curves between the points; returns the one that touches the fewest
 * nodes, the straightest if several do. */
static struct hap_curve free_curve(const struct hap_drawing_layout *l, size_t edge,
                                   struct hap_point from, struct hap_point to)
{
        enum { POINTS = 40, TRIES = 11 };
        int writer = hap_graph_edge_writer(l->graph, edge);
        int fed = hap_graph_reader_node(l->graph, hap_graph_edge_reader(l->graph, edge));
        double side = edge % l->graph->edges_per_position % 2 ? 1 : -1;
        double unit = hap_clamp(.3 * l->slot, 14, 30);
        /* one edge at several positions: side by side */
        double apart =
                5 * (hap_graph_edge_position(l->graph, edge) - .5 * (l->graph->n_positions - 1));
        struct hap_curve best = bent_curve(from, to, apart);
        int least = POINTS;

        for (int i = 0; i < TRIES && least > 0; i++) {
                double aside = apart + (i + 1) / 2 * unit * (i % 2 ? side : -side);
                struct hap_curve c = bent_curve(from, to, aside);
                int touched = 0;

                for (int k = 1; k < POINTS; k++)
                        touched += on_node(l, point_at(&c, (double)k / POINTS), writer, fed);
                if (touched < least) {
                        least = touched;
                        best = c;
                }
        }
        return best;
}

/* Input and logits are wide: spreads their edges towards the other ends. */
static double spread_x(const struct hap_drawing_layout *l, double x, double other)
{
        return x + hap_clamp(.3 * (other - x), 10 - l->half, l->half - 10);
}

struct hap_curve hap_drawing_layout_curve(const struct hap_drawing_layout *l, size_t edge)
{
        int writer = hap_graph_edge_writer(l->graph, edge);
        int reader = hap_graph_edge_reader(l->graph, edge);
        struct hap_node from = hap_graph_writer(l->graph, writer);
        struct hap_node to = hap_graph_reader(l->graph, reader);
        struct hap_point begin = edge_start(l, writer), end = edge_end(l, reader);

        if (from.kind == HAP_WRITES_HEAD && to.kind == HAP_READS_MLP && from.layer == to.layer) {
                /* within a layer: into the MLP's left side */
                end = hap_drawing_layout_node(l, hap_graph_reader_node(l->graph, reader));
                end.x -= l->mlp;
                return (struct hap_curve){begin, {begin.x + 4, begin.y - .26 * l->row},
                                          {end.x - .6 * l->slot, end.y - .12 * l->row}, end};
        }
        if (from.layer < 0)
                begin.x = spread_x(l, begin.x, end.x);
        if (to.layer < 0)
                end.x = spread_x(l, end.x, begin.x);
        if (from.kind == HAP_WRITES_MLP && to.kind == HAP_READS_MLP) {
                double rows = (begin.y - end.y) / l->row;

                return bent_curve(begin, end, rows < 1.3 ? 0 : l->bow * rows);
        }
        return free_curve(l, edge, begin, end);
}
