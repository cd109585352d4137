/* The circuits of an input, as they are read. */
#ifndef HAP_EVAL_CIRCUITS_H
#define HAP_EVAL_CIRCUITS_H

#include <jansson.h>

#include "common/stream.h"
#include "forward/engine.h"
#include "graph/edges.h"

struct hap_circuit_list {
        struct hap_edges *items;
        size_t n;
};

/* Appends the section whose header was just read. */
int hap_circuit_list_read(struct hap_circuit_list *list, struct hap_stream_in *in,
                          const json_t *header, struct hap_error *err);
void hap_circuit_list_release(struct hap_circuit_list *list);

/* Whether pruning, or else any of the scores it was selected by, let cut edges carry
 * something else than `ablation`; *made is its name, of the header. Not under optimal
 * ablation: constants are learned for circuits of any kind. */
bool hap_circuit_made_otherwise(const json_t *header, const struct hap_ablation *ablation,
                                const char **made);

#endif
