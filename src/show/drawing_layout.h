/* The positions of the nodes of a picture and the curves of its edges. */
#ifndef HAP_SHOW_DRAWING_LAYOUT_H
#define HAP_SHOW_DRAWING_LAYOUT_H

#include "show/drawing.h"

struct hap_point {
        double x, y;
};

/* A cubic Bézier curve: the ends of an edge and the two control points. */
struct hap_curve {
        struct hap_point from, pull_from, pull_to, to;
};

struct hap_drawing_layout {
        const struct hap_drawing *drawing;
        const struct hap_graph *graph;
        double slot, row;     /* between heads, between layers */
        double left, top;     /* of the topmost layer's band */
        double radius;        /* of a head; an MLP is a little smaller */
        double mlp, mlp_x;    /* half of an MLP's side, its middle */
        double width, height; /* of the picture */
        double middle;        /* x of input and logits */
        double half;          /* half of their width */
        double bow;           /* of an edge between MLPs, for each layer between them */
};

struct hap_drawing_layout hap_drawing_layout_of(const struct hap_drawing *drawing);
/* The upper edge of a layer's band. */
double hap_drawing_layout_row(const struct hap_drawing_layout *layout, int layer);
/* The middle of a writer's node, and of logits. */
struct hap_point hap_drawing_layout_node(const struct hap_drawing_layout *layout, int writer);
struct hap_point hap_drawing_layout_logits(const struct hap_drawing_layout *layout);
/* An edge runs upwards, and around other nodes if possible. */
struct hap_curve hap_drawing_layout_curve(const struct hap_drawing_layout *layout, size_t edge);

static inline double hap_clamp(double x, double low, double high)
{
        return x < low ? low : x > high ? high : x;
}

#endif
