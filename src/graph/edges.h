/* Numbers per edge as streams: scores and circuits. */
#ifndef HAP_GRAPH_EDGES_H
#define HAP_GRAPH_EDGES_H

#include <jansson.h>

#include "common/program.h"
#include "common/stream.h"
#include "graph/graph.h"

/* A section of kind "scores" or "circuit" in memory. In a circuit an edge without a
 * record has z = 0. */
struct hap_edges {
        json_t *header;         /* owned */
        struct hap_graph graph; /* from the header */
        float *z;               /* circuit: [n_edges], else NULL */
        double *score;          /* scores: [n_edges], else NULL */
        /* Circuit: what the edges were ranked by, higher is better, and what the removal of each
         * costs in KL: [n_edges], NaN where a record has no such number. NULL: none has. */
        double *ranking, *cost;
        bool ranked_by_size;    /* circuit: of `ranking`, the magnitude counts */
        bool *given;            /* [n_edges]: had a record */
        size_t n_given;
        char *name;             /* of the file, for messages */
};

/* Reads the records of the stream's current section (its header is the one just read)
 * into *edges. HAP_EINPUT: an unknown edge, an edge that occurs twice, a score that is
 * not finite, z outside (0, 1]. */
int hap_edges_read(struct hap_stream_in *in, const json_t *header,
                   struct hap_edges *edges, struct hap_error *err);
void hap_edges_release(struct hap_edges *edges);

/* Reads the next section of the kind ("scores", "circuit"): 1, 0 at the end of the stream,
 * or a code. Sections of other kinds are skipped. */
int hap_edges_next(struct hap_stream_in *in, const char *kind,
                   struct hap_edges *edges, struct hap_error *err);

/* Sections, in the order of the input. */
struct hap_edges_list {
        struct hap_edges *items; /* [n], owned */
        size_t n;
};
/* Moves *edges to the end of the list; releases it if memory is short. */
int hap_edges_list_add(struct hap_edges_list *list, struct hap_edges *edges,
                       struct hap_error *err);
void hap_edges_list_release(struct hap_edges_list *list);

/* Intersection over union of two sets of edges, [n_edges]; 1 if both are empty. */
double hap_edges_iou(const bool *a, const bool *b, size_t n_edges);

/* Writes a whole section, records in the order of edge numbers. A circuit's
 * records are those with z > 0; scores are written for every edge, or for
 * those `given` where that is not NULL. The circuit's header gets
 * "circuit": {"edges": kept, "of": n_edges, "sparsity"}. */
int hap_scores_write(struct hap_stream_out *out, json_t *header,
                     const struct hap_graph *graph, const double *score,
                     const bool *given, struct hap_error *err);
int hap_circuit_write(struct hap_stream_out *out, json_t *header,
                      const struct hap_graph *graph, const float *z,
                      struct hap_error *err);
/* The same with "score" and "cost" in each record; each [n_edges], or NULL for none. */
int hap_circuit_write_ranked(struct hap_stream_out *out, json_t *header,
                             const struct hap_graph *graph, const float *z,
                             const double *ranking, const double *cost, struct hap_error *err);

#endif
