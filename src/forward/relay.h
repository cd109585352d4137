/* Runs of a model whose layers are on several ranks (common/mpi_layers.h): what each rank needs of
 * the others. Every rank runs every job; of a run it computes its own layers,
 *
 *      forward    the stream, or in masked runs the deltas of all active writers before its layers,
 *                 come from the rank before and go on to the rank after
 *      logits     from the last rank to all, so that all have the same metrics
 *      outputs    of each rank's writers to all, if a run stores them
 *      backward   the gradient of what came forward, from the rank after to the rank before
 *      edges      a rank has the values of the edges into its own readers; all get all
 *
 * With one rank, and while a scratch counts, these functions do nothing. Errors are in
 * scratch->error. */
#ifndef HAP_FORWARD_RELAY_H
#define HAP_FORWARD_RELAY_H

#include "common/mpi_layers.h"
#include "forward/scratch.h"

/* Values from the rank with the layers before or after, or to it; nothing if there are no such
 * layers. */
int hap_relay_from_before(struct hap_scratch *scratch, struct hap_strided values);
int hap_relay_to_after(struct hap_scratch *scratch, struct hap_strided values);
int hap_relay_from_after(struct hap_scratch *scratch, struct hap_strided values);
int hap_relay_to_before(struct hap_scratch *scratch, struct hap_strided values);

/* The n logits of the last rank. */
int hap_relay_logits(struct hap_scratch *scratch, float *logits, size_t n);
/* outputs: [n_writers][values], or NULL. */
int hap_relay_outputs(struct hap_scratch *scratch, float *outputs, size_t values);
/* edges: [n_edges], or NULL. */
int hap_relay_edges(struct hap_scratch *scratch, float *edges);

/* The readers of this process's layers: [*begin, *end); the logits are with the last layer. */
void hap_relay_readers(const struct hap_engine *engine, int *begin, int *end);

#endif
