/* One set of scores from several: ensembles of methods. */
#ifndef HAP_ATTRIB_MERGE_H
#define HAP_ATTRIB_MERGE_H

#include "graph/edges.h"

/* How the scores s_1 … s_n of an edge become one. Each but `rank` takes the scores as they are,
 * so it is for scores of one scale. */
struct hap_merge {
        const char *name, *help;
        /* Adds one section to the sum so far; *first: it is the first. */
        double (*add)(double so_far, double score, bool first);
        bool mean;  /* the sum is divided by the number of sections */
        bool ranks; /* scores are replaced by their rank first: 0 for the edge of the smallest
                     * magnitude, 1 for the largest; equal ones share the mean of their ranks */
};

extern const struct hap_merge *const hap_merges[]; /* NULL-terminated */
const char *hap_merge_choice(int i, const char **help);

/* Scores that are merged; all but `how` is zero before hap_merged_read. */
struct hap_merged {
        const struct hap_merge *how;
        struct hap_edges scores; /* of all sections so far; those given in each */
        size_t n;                /* sections */
};

/* Merges all sections of kind "scores" of the input; the header's method becomes {"name": "mean of
 * A, B", "merged": [...]}. An edge that one of the sections does not have is left out. HAP_EINPUT:
 * there is none, a graph or model is not that of the first. */
int hap_merged_read(struct hap_stream_in *in, struct hap_merged *merged, struct hap_error *err);
void hap_merged_release(struct hap_merged *merged);

#endif
