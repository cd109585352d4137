/* What the circuits of an input are called in a report. */
#ifndef HAP_EVAL_CIRCUIT_NAMES_H
#define HAP_EVAL_CIRCUIT_NAMES_H

#include "common/options.h"
#include "graph/edges.h"

/* The names of n circuits: [n], owned by the caller. A circuit has the name that is given for it
 * (circuit i: given[first + i]), or the name in its header, or that of its file: without folders
 * if no other circuit's file is called the same, else with them. The last resort is "circuit 3"
 * for the third: for standard input and other pipes, for several circuits in one file, and for
 * names that are not UTF-8 or contain control characters. NULL: no memory. */
char **hap_circuit_names_make(const struct hap_edges *circuits, size_t n,
                              const struct hap_texts *given, size_t first, struct hap_error *err);
void hap_circuit_names_release(char **names, size_t n); /* NULL is allowed */

#endif
