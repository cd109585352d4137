/* What a picture of a graph shows: its edges, how strong each is, its title. */
#ifndef HAP_SHOW_DRAWING_H
#define HAP_SHOW_DRAWING_H

#include "show/show_phrase.h"
#include "show/show_read.h"

struct hap_drawn {
        size_t edge;
        double z;        /* 1 where there is no circuit */
        double score;    /* what edges are ranked by; 0 without a ranking */
        double strength; /* in [0, 1]: sets the thickness; 1 without a ranking */
        bool dead;
};

struct hap_drawing_options {
        size_t top;   /* the most edges; 0: all of a circuit, 200 of scores */
        bool columns; /* positions are columns, if edges are split by position */
        bool white;   /* on a white background */
};

/* What a picture shows: the last circuit of the input, or the best of the last scores if
 * there is no circuit. A place is where a node is drawn: a writer, or a writer at a position
 * (position * n_writers + writer) if positions are columns. */
struct hap_drawing {
        const struct hap_section *section;
        const struct hap_graph *graph;
        struct hap_drawing_options options;
        const char *ranked_by; /* "score", "ranking", "cost" or "z"; NULL: no ranking */
        bool by_score;         /* ranked by the magnitude of scores */
        bool values_are_z;     /* a circuit rather than scores */
        bool graded;           /* the strengths drawn differ */
        struct hap_drawn *edges; /* weakest first */
        size_t n;                /* of `edges` */
        size_t n_single;         /* the last ones are drawn as curves; the others are folded into
                                  * the shade of their nodes */
        size_t n_kept, n_live;   /* of the circuit, or n for scores */
        size_t n_places;
        int *in, *out; /* [n_places]: live edges into and out of a node: the circuit's, or of
                        * scores those drawn */
        bool *touched; /* [n_places]: an edge that is drawn, or folded, ends here */
        double *sum;   /* [n_places]: of the strengths of these edges */
        int *into_logits; /* [n_positions] */
};

/* HAP_EINPUT: the stream has neither scores nor a circuit, or the `top` of a circuit without a
 * ranking are asked for. */
int hap_drawing_init(struct hap_drawing *drawing, const struct hap_show *show,
                     const struct hap_drawing_options *options, struct hap_error *err);
void hap_drawing_release(struct hap_drawing *drawing);

/* What edges are ranked by: the scores, which are those of the input over the same graph, or
 * NULL; else what the section itself has: scores, pruning's ranking, costs, or z if these differ.
 * hap_ranked_by: the name, as above. hap_edge_rank: the value of an edge of the section. */
const char *hap_ranked_by(const struct hap_edges *edges, const struct hap_edges *scores);
/* Whether the magnitude of these values counts: that of scores. */
bool hap_ranked_by_size(const struct hap_edges *edges, const struct hap_edges *scores);
/* Whether the values of z differ. */
bool hap_is_graded(const struct hap_edges *edges);
double hap_edge_rank(const struct hap_edges *edges, const struct hap_edges *scores, size_t edge);
/* The last scores of the input over the same graph, or NULL. */
const struct hap_section *hap_scores_for(const struct hap_show *show,
                                         const struct hap_graph *graph);
/* HAP_EINPUT: a circuit without a ranking has more than `top` edges. */
int hap_check_ranking(const struct hap_edges *edges, const struct hap_edges *scores, size_t top,
                      struct hap_error *err);

/* The place of the node that an edge reads. */
size_t hap_drawing_from(const struct hap_drawing *drawing, size_t edge);
/* Sets places ([HAP_MAX_POSITIONS]) to those that an edge leads to and returns their number; the
 * logits at a position are place n_places + position. */
int hap_drawing_to(const struct hap_drawing *drawing, size_t edge, size_t *places);
/* The writer at a place, and its position. */
int hap_drawing_writer(const struct hap_drawing *drawing, size_t place);
int hap_drawing_position(const struct hap_drawing *drawing, size_t place);

/* The title of a drawing and its counts, each HAP_TITLE bytes at most. */
void hap_drawing_title(const struct hap_drawing *drawing, char *title);
void hap_drawing_counts(const struct hap_drawing *drawing, char *text);

#endif
