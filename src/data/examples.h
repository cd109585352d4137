/* The examples of a task section. */
#ifndef HAP_DATA_EXAMPLES_H
#define HAP_DATA_EXAMPLES_H

#include <jansson.h>

#include "common/arena.h"
#include "common/stream.h"
#include "graph/positions.h"
#include "model/model.h"
#include "task/example.h"

struct hap_examples {
        json_t *header; /* owned */
        struct hap_example *items;
        size_t n;
        struct hap_arena arena;
};

/* Reads all records of the stream's current section (kind "task"); an empty section is
 * an error. The tokenizer is loaded from the model's path when it is first needed: for a
 * record with text, or for a header that names the tokenizer of its ids, which must be
 * the model's. */
int hap_examples_read(struct hap_stream_in *in, const json_t *header,
                      const struct hap_model *model, struct hap_examples *examples,
                      struct hap_error *err);

/* The positions of a graph for these examples: `names`, separated by commas, or with "all"
 * those that every example has; then HAP_REST. HAP_EUSAGE: the list contains an invalid
 * name, or a name twice. HAP_EINPUT: an example does not fit. */
int hap_examples_positions(const struct hap_examples *examples, const char *names,
                        struct hap_positions *positions, struct hap_error *err);
void hap_examples_release(struct hap_examples *examples);

#endif
