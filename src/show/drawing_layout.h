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

/* A node in its place; half: half of its width. */
struct hap_placed {
        bool there; /* false: no node; a head that could be here is a dot */
        double x, y, half;
};

/* A layer, or several without nodes in one thin line. */
struct hap_band {
        int first, last;
        bool empty;
        double y, height;
};

/* The places of a position, if these are columns. */
struct hap_column {
        double x, width;
};

struct hap_drawing_layout {
        const struct hap_drawing *drawing;
        const struct hap_graph *graph;
        struct hap_placed *node; /* [n_places + n_positions]: the logits are last */
        struct hap_band *bands;  /* from the topmost layer down */
        int n_bands;
        int n_rows;           /* layers with nodes */
        double *row_y;        /* [n_layers]: the upper edge of a layer's band */
        bool *in_empty_band;  /* [n_layers] */
        struct hap_column column[HAP_MAX_POSITIONS];
        double slot, row;     /* between heads, between layers */
        double left, top;     /* of the topmost layer's band */
        double radius;        /* of a head; an MLP is a little smaller */
        double mlp;           /* half of an MLP's side */
        double width, height; /* of the picture */
        double foot;          /* the lower edge of the lowest band */
        double bow;           /* of an edge between MLPs, for each layer between them */
};

int hap_drawing_layout_init(struct hap_drawing_layout *layout, const struct hap_drawing *drawing,
                            struct hap_error *err);
void hap_drawing_layout_release(struct hap_drawing_layout *layout);
/* The curve of an edge to one of its places. It runs upwards, and around other nodes if
 * possible. */
struct hap_curve hap_drawing_layout_curve(const struct hap_drawing_layout *layout, size_t edge,
                                          size_t to);

static inline double hap_clamp(double x, double low, double high)
{
        return x < low ? low : x > high ? high : x;
}

#endif
