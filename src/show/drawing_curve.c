/* The curves of edges. */
#include <math.h>

#include "show/drawing_layout.h"

/* Where an edge starts at its writer and ends at its reader. The ends at q, k and v are
 * side by side at the lower side of a head. */
static struct hap_point edge_start(const struct hap_drawing_layout *l, size_t place)
{
        const struct hap_node node =
                hap_graph_writer(l->graph, hap_drawing_writer(l->drawing, place));
        const struct hap_placed *p = &l->node[place];

        return (struct hap_point){p->x, p->y - (node.layer < 0 ? 11 : p->half)};
}

static struct hap_point edge_end(const struct hap_drawing_layout *l, int reader, size_t place)
{
        const struct hap_node node = hap_graph_reader(l->graph, reader);
        const struct hap_placed *p = &l->node[place];
        const double aside = (node.kind - HAP_READS_K) * .6 * l->radius;

        if (node.kind == HAP_READS_LOGITS)
                return (struct hap_point){p->x, p->y + 11};
        if (node.kind == HAP_READS_MLP)
                return (struct hap_point){p->x, p->y + p->half};
        return (struct hap_point){p->x + aside,
                                  p->y + sqrt(l->radius * l->radius - aside * aside)};
}

static struct hap_curve bent_curve(struct hap_point from, struct hap_point to, double aside)
{
        const double reach = .46 * (from.y - to.y);

        return (struct hap_curve){from, {from.x + aside, from.y - reach},
                                  {to.x + aside, to.y + reach}, to};
}

static struct hap_point point_at(const struct hap_curve *c, double t)
{
        const double a = (1 - t) * (1 - t) * (1 - t), b = 3 * t * (1 - t) * (1 - t);
        const double d = 3 * t * t * (1 - t), e = t * t * t;

        return (struct hap_point){
                a * c->from.x + b * c->pull_from.x + d * c->pull_to.x + e * c->to.x,
                a * c->from.y + b * c->pull_from.y + d * c->pull_to.y + e * c->to.y,
        };
}

static bool within_node(const struct hap_drawing_layout *l, size_t place, struct hap_point p)
{
        const struct hap_placed *node = &l->node[place];

        return node->there && hypot(p.x - node->x, p.y - node->y) < l->radius + 2;
}

/* The layer at that height, or -1. */
static int layer_at(const struct hap_drawing_layout *l, double y)
{
        for (int i = 0; i < l->n_bands; i++)
                if (!l->bands[i].empty && y >= l->bands[i].y &&
                    y < l->bands[i].y + l->bands[i].height)
                        return l->bands[i].first;
        return -1;
}

/* Whether the point is on a drawn node other than these two. */
static bool on_node(const struct hap_drawing_layout *l, struct hap_point p, size_t but,
                    size_t and_but)
{
        const struct hap_graph *g = l->graph;
        const int layer = layer_at(l, p.y);

        if (layer < 0)
                return false;
        for (size_t first = 0; first < l->drawing->n_places; first += (size_t)g->n_writers) {
                for (int w = hap_graph_head_writer(g, layer, 0);
                     w < hap_graph_mlp_writer(g, layer) + g->n_mlps; w++) {
                        const size_t place = first + (size_t)w;

                        if (place != but && place != and_but && within_node(l, place, p))
                                return true;
                }
        }
        return false;
}

/* Tries several curves between the points; returns the one that touches the fewest
 * nodes, the straightest if several do. */
static struct hap_curve free_curve(const struct hap_drawing_layout *l, size_t edge, size_t place,
                                   struct hap_point from, struct hap_point to)
{
        enum { POINTS = 40, TRIES = 11 };
        const size_t writer = hap_drawing_from(l->drawing, edge);
        const double side = edge % l->graph->edges_per_position % 2 ? 1 : -1;
        const double unit = hap_clamp(.3 * l->slot, 14, 30);
        /* one edge at several positions: side by side */
        const double apart = l->drawing->options.columns ? 0 :
                5 * (hap_graph_edge_position(l->graph, edge) - .5 * (l->graph->n_positions - 1));
        struct hap_curve best = bent_curve(from, to, apart);
        int least = POINTS;

        for (int i = 0; i < TRIES && least > 0; i++) {
                const int nth = (i + 1) / 2; /* first on one side, then on the other */
                const double aside = apart + nth * unit * (i % 2 ? side : -side);
                struct hap_curve c = bent_curve(from, to, aside);
                int touched = 0;

                for (int k = 1; k < POINTS; k++)
                        touched += on_node(l, point_at(&c, (double)k / POINTS), writer, place);
                if (touched < least) {
                        least = touched;
                        best = c;
                }
        }
        return best;
}

/* Input and logits are wide: spreads their edges towards the other ends. */
static double spread_x(const struct hap_placed *p, double other)
{
        return p->x + hap_clamp(.3 * (other - p->x), 10 - p->half, p->half - 10);
}

struct hap_curve hap_drawing_layout_curve(const struct hap_drawing_layout *l, size_t edge,
                                          size_t place)
{
        const size_t start = hap_drawing_from(l->drawing, edge);
        const int reader = hap_graph_edge_reader(l->graph, edge);
        const struct hap_node from =
                hap_graph_writer(l->graph, hap_drawing_writer(l->drawing, start));
        const struct hap_node to = hap_graph_reader(l->graph, reader);
        struct hap_point begin = edge_start(l, start), end = edge_end(l, reader, place);

        if (from.kind == HAP_WRITES_HEAD && to.kind == HAP_READS_MLP && from.layer == to.layer) {
                /* within a layer: into the MLP's left side */
                end = (struct hap_point){l->node[place].x - l->mlp, l->node[place].y};
                return (struct hap_curve){begin, {begin.x + 4, begin.y - .26 * l->row},
                                          {end.x - fmin(.6 * l->slot, .5 * (end.x - begin.x)),
                                           end.y - .12 * l->row}, end};
        }
        if (from.layer < 0)
                begin.x = spread_x(&l->node[start], end.x);
        if (to.layer < 0)
                end.x = spread_x(&l->node[place], begin.x);
        if (from.kind == HAP_WRITES_MLP && to.kind == HAP_READS_MLP &&
            !l->drawing->options.columns) {
                const double rows = (begin.y - end.y) / l->row;

                return bent_curve(begin, end, rows < 1.3 ? 0 : l->mlp + l->bow * rows);
        }
        return free_curve(l, edge, place, begin, end);
}
