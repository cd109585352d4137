/* Constants: what ablated edges carry under optimal ablation, one vector per writer, the same
 * at all positions and in all prompts (hap-stream(5)). */
#ifndef HAP_DATA_CONSTANTS_H
#define HAP_DATA_CONSTANTS_H

#include <jansson.h>

#include "common/stream.h"
#include "graph/graph.h"

/* A section of kind "constants" in memory. */
struct hap_constants {
        json_t *header;         /* owned */
        struct hap_graph graph; /* from the header */
        int d_model;
        float *values;          /* [n_writers][d_model] */
        char *name;             /* of the file, for messages */
};

/* Reads the records of the stream's current section. HAP_EINPUT: writers are missing, repeated or
 * out of order, vectors differ in length, a value is not finite. On failure nothing is to be
 * released. */
int hap_constants_read(struct hap_stream_in *in, const json_t *header,
                       struct hap_constants *constants, struct hap_error *err);
void hap_constants_release(struct hap_constants *constants);

/* Writes a whole section; the header gets "graph". kl: [n_writers], the KL in each
 * writer's record, or NULL. */
int hap_constants_write(struct hap_stream_out *out, json_t *header,
                        const struct hap_graph *graph, int d_model, const float *values,
                        const double *kl, struct hap_error *err);

#endif
