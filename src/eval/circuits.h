/* The list of an input's circuits. */
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

/* Whether the circuit was pruned, or any of its scores computed, under another ablation;
 * *made is the name of that in the header. Always false for optimal ablation, whose constants
 * are learned for circuits of any origin. */
bool hap_circuit_made_otherwise(const json_t *header, const struct hap_ablation *ablation,
                                const char **made);

#endif
