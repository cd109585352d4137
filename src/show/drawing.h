/* What a picture of a graph shows: its edges, how strong each is, its title. */
#ifndef HAP_SHOW_DRAWING_H
#define HAP_SHOW_DRAWING_H

#include "show/show_read.h"

struct hap_drawn {
        size_t edge;
        double z;        /* 1 where there is no circuit */
        double score;    /* 0 where there are no scores */
        double strength; /* (0, 1]: sets the thickness */
        bool dead;
};

/* What a picture shows: the last circuit of the input, or the best of the last scores if
 * there is no circuit. The strength of an edge is |score| of the last scores over the same
 * graph, or z if there are no such scores. */
struct hap_drawing {
        const struct hap_section *section;
        const struct hap_graph *graph;
        bool by_score;         /* strengths come from scores */
        bool values_are_z;     /* a circuit rather than scores */
        bool graded;           /* the strengths drawn differ */
        struct hap_drawn *edges; /* weakest first */
        size_t n;              /* of `edges` */
        size_t n_kept, n_live; /* of the circuit, or n for scores */
        int *in, *out;         /* [n_writers]: live edges into and out of a node: the circuit's,
                                * or of scores those drawn */
        int into_logits;
};

/* At most `top` edges, the strongest (0: all of a circuit, 200 of scores or of a circuit of whole
 * nodes).
 * HAP_EINPUT: the stream has neither scores nor a circuit. */
int hap_drawing_init(struct hap_drawing *drawing, const struct hap_show *show,
                     size_t top, struct hap_error *err);
void hap_drawing_release(struct hap_drawing *drawing);

/* The title of a drawing and its counts, each HAP_TITLE bytes at most. */
#define HAP_TITLE 1024
void hap_drawing_title(const struct hap_drawing *drawing, char *title);
void hap_drawing_counts(const struct hap_drawing *drawing, char *text);

#endif
