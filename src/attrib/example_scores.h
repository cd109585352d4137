/* Scores of single examples as streams: sections of kind "example-scores". A record is
 *
 *      {"id": TEXT, "scores": tensor [n], "scale": number}
 *
 * with a score for every edge of the graph in its order, or for every node if the header has
 * "of": "nodes". The scores are scale times the tensor's values; without a scale it is 1. */
#ifndef HAP_ATTRIB_EXAMPLE_SCORES_H
#define HAP_ATTRIB_EXAMPLE_SCORES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/stream.h"
#include "common/tensor.h"
#include "graph/graph.h"

/* --- writing --- */

/* Scores that wait in a temporary file until they are written: memory does not grow with them. */
struct hap_example_scores_out {
        FILE *file;
        json_t *ids;
        size_t n_scores; /* of an example */
};

/* HAP_ESYSTEM: there is no temporary file. */
int hap_example_scores_begin(struct hap_example_scores_out *waiting, size_t n_scores,
                             struct hap_error *err);
/* Adds the scores of the next example: [n_scores]. They are rounded to F32. */
int hap_example_scores_add(struct hap_example_scores_out *waiting, const char *id,
                           const double *scores, struct hap_error *err);
/* Writes the section. The header, of this kind, gets "graph", "dtype", "examples" and "of".
 * dtype: F32, or F16, with which every example has the scale of its largest score. */
int hap_example_scores_write(struct hap_example_scores_out *waiting, struct hap_stream_out *out,
                             json_t *header, const struct hap_graph *graph, enum hap_dtype dtype,
                             struct hap_error *err);
void hap_example_scores_end(struct hap_example_scores_out *waiting);

/* --- reading --- */

struct hap_example_scores {
        json_t *header;         /* owned */
        json_t *ids;            /* array of texts, owned */
        struct hap_graph graph; /* from the header */
        bool of_nodes;
        size_t n, n_scores;     /* examples, and scores of each */
        float *values;          /* [n][n_scores] */
        char *name;             /* of the file, for messages */
};

/* Reads the next such section: 1, 0 at the end of the stream, or a code. Other sections are
 * skipped. HAP_EINPUT: a record's tensor does not fit the graph, a score is not finite, there is
 * no example. */
int hap_example_scores_next(struct hap_stream_in *in, struct hap_example_scores *scores,
                            struct hap_error *err);
void hap_example_scores_release(struct hap_example_scores *scores);

#endif
