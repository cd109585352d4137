/* Where the nodes of a picture stand and how its edges run; inside the room
 * only. */
#ifndef HAP_SHOW_SHOW_LAYOUT_H
#define HAP_SHOW_SHOW_LAYOUT_H

#include "show/show.h"

struct hap_point {
        double x, y;
};

/* A curve from where an edge begins to where it ends, and the two points that
 * pull it (a cubic Bézier curve). */
struct hap_curve {
        struct hap_point from, pull_from, pull_to, to;
};

struct hap_layout {
        const struct hap_drawing *drawing;
        const struct hap_graph *graph;
        double slot, row;     /* between heads, between layers */
        double left, top;     /* of the topmost layer's band */
        double radius;        /* of a head; an MLP is a little smaller */
        double mlp, mlp_x;    /* half of an MLP's side, its middle */
        double width, height; /* of the picture */
        double middle;        /* x of input and logits */
        double half;          /* half of their width */
        double bow;           /* of an edge between MLPs, per layer between */
};

struct hap_layout hap_layout_of(const struct hap_drawing *drawing);
/* The upper edge of a layer's band. */
double hap_layout_row(const struct hap_layout *layout, int layer);
/* The middle of a writer's node, and of logits. */
struct hap_point hap_layout_place(const struct hap_layout *layout, int writer);
struct hap_point hap_layout_logits(const struct hap_layout *layout);
/* An edge runs upwards, and aside of nodes that are not its own if it can. */
struct hap_curve hap_layout_curve(const struct hap_layout *layout, size_t edge);

static inline double hap_clamp(double x, double low, double high)
{
        return x < low ? low : x > high ? high : x;
}

#endif
