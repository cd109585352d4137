/* The names that TransformerLens gives to activations, which ACDC and auto-circuit use for nodes:
 * the output of a head is blocks.2.attn.hook_result with the head's index, the input of its query
 * blocks.2.hook_q_input. */
#ifndef HAP_CONVERT_HOOKS_H
#define HAP_CONVERT_HOOKS_H

#include "graph/graph.h"

/* The name of a writer's or reader's hook, and its head, -1 if it has none. name: HAP_NAME bytes. */
void hap_hook_of_writer(const struct hap_graph *graph, int writer, char *name, int *head);
void hap_hook_of_reader(const struct hap_graph *graph, int reader, char *name, int *head);

/* The writer or reader of a hook, or -1. */
int hap_hook_writer(const struct hap_graph *graph, const char *name, int head);
int hap_hook_reader(const struct hap_graph *graph, const char *name, int head);

/* Whether these hooks of one head, or of no head (-1), are the ends of an edge within a head or an
 * MLP, which ACDC counts and which is no edge of the graph. */
bool hap_hooks_within(const struct hap_graph *graph, const char *child, const char *parent, int head);

#endif
