/* Streams as something to look at: text, Graphviz, SVG, HTML.
 *
 * Everything is read into a hap_show first; what is made of it is written to a
 * FILE given, the same bytes for the same stream. */
#ifndef HAP_SHOW_SHOW_H
#define HAP_SHOW_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "common/stream.h"
#include "graph/edges.h"

enum hap_show_kind { HAP_SHOW_TASK, HAP_SHOW_CACHE, HAP_SHOW_EDGES, HAP_SHOW_REPORT,
                     HAP_SHOW_CONSTANTS, HAP_SHOW_LOG };

/* One section. */
struct hap_section {
        enum hap_show_kind kind;
        char *name;      /* of the file */
        json_t *header;  /* an empty object for a log of JSON lines */
        size_t n;        /* records */
        json_t *records; /* array: the first of a task, cache or constants (tensors
                          * as their shapes), all of a report or log; empty for edges */
        struct hap_edges edges; /* scores, circuit */
};

struct hap_show {
        struct hap_section *sections;
        size_t n;
};

/* Adds the stream's sections; of tasks, caches and constants `first` records are kept. */
int hap_show_read(struct hap_show *show, struct hap_stream_in *in, size_t first,
                  struct hap_error *err);
/* Adds a log of JSON lines, {"step", "kl", ...} each. HAP_EINPUT: one is no such object. */
int hap_show_read_log(struct hap_show *show, FILE *lines, const char *name,
                      struct hap_error *err);
void hap_show_release(struct hap_show *show);

/* A summary in words, `top` edges of scores and circuits among it. */
int hap_show_text(const struct hap_show *show, size_t top, FILE *out,
                  struct hap_error *err);

/* --- pictures of a graph --- */

struct hap_drawn {
        size_t edge;
        double z;        /* 1 where there is no circuit */
        double score;    /* 0 where there are no scores */
        double strength; /* (0, 1]: how thick */
        bool dead;
};

/* What a picture shows: the last circuit of a stream, its edges as thick as the
 * last scores over the same graph say, if there are any, else as z; or the
 * best of the last scores. */
struct hap_drawing {
        const struct hap_section *section;
        const struct hap_graph *graph;
        bool by_score;         /* strengths come from scores */
        bool values_are_z;     /* a circuit rather than scores */
        bool graded;           /* those drawn are not all of one strength */
        struct hap_drawn *edges; /* weakest first */
        size_t n;              /* of `edges` */
        size_t n_kept, n_live; /* of the circuit, or n for scores */
        int *in, *out;         /* [n_writers]: live edges into and out of a node: the circuit's,
                                * or of scores those drawn */
        int into_logits;
};

/* At most `top` edges, the strongest (0: all of a circuit, 200 of scores).
 * HAP_EINPUT: the stream has neither scores nor a circuit. */
int hap_drawing_init(struct hap_drawing *drawing, const struct hap_show *show,
                     size_t top, struct hap_error *err);
void hap_drawing_release(struct hap_drawing *drawing);

int hap_show_dot(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);
int hap_show_svg(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);
/* A page with the picture, and a table of its edges; no network is needed. */
int hap_show_html(const struct hap_drawing *drawing, FILE *out, struct hap_error *err);

/* --- pictures of training logs --- */

bool hap_show_has_log(const struct hap_show *show);
bool hap_show_has_edges(const struct hap_show *show);
/* KL and sparsity of every log against the step. */
int hap_show_plot(const struct hap_show *show, FILE *out, struct hap_error *err);
int hap_show_plot_html(const struct hap_show *show, FILE *out, struct hap_error *err);

/* --- what these share --- */

/* Text of a header in a buffer: the model's file "demo", "ioi (abc)", the recipe or
 * method "eap-ig-inputs"; empty when the header does not say. */
#define HAP_PHRASE 256
void hap_phrase_model(const json_t *header, char *text);
void hap_phrase_task(const json_t *header, char *text);
void hap_phrase_method(const json_t *header, char *text);
/* "32,491" */
void hap_phrase_count(size_t n, char *text);
/* As XML text, control characters as spaces. */
void hap_write_escaped(FILE *out, const char *text);

#endif
