/* The examples of a task section, and the positions that they name. */
#ifndef HAP_DATA_EXAMPLES_H
#define HAP_DATA_EXAMPLES_H

#include "common/stream.h"
#include "model/model.h"
#include "task/example.h"

struct hap_examples {
        json_t *header; /* of the section; owned, NULL if they come from a cache */
        size_t n;
        struct hap_example **groups; /* of HAP_EXAMPLES_GROUP, in the arena; the list is owned */
        struct hap_arena arena;      /* of the examples too; what is large is in files */
};
#define HAP_EXAMPLES_GROUP 256

void hap_examples_init(struct hap_examples *examples);
/* Example i, which does not move. To go through them in order lets go of the memory of those
 * before. */
struct hap_example *hap_examples_at(const struct hap_examples *examples, size_t i);
/* The place of one more example, number n, which the caller fills before n becomes larger; NULL
 * when memory is short. */
struct hap_example *hap_examples_next(struct hap_examples *examples);

/* Reads all records of the stream's current section (kind "task"). The tokenizer is loaded from
 * the model's path when it is first needed: for a record with text, or for a header that names
 * the tokenizer of its ids, which must then be the model's. HAP_EINPUT: another kind, another
 * tokenizer, no examples, a record that is not an example. */
int hap_examples_read(struct hap_stream_in *in, const json_t *header,
                      const struct hap_model *model, struct hap_examples *examples,
                      struct hap_error *err);
void hap_examples_release(struct hap_examples *examples);

/* The positions of a graph for these examples: `names`, separated by commas, or with "all"
 * those that every example has; then HAP_REST. HAP_EUSAGE: the list contains an invalid name,
 * or one twice. HAP_EINPUT: an example does not fit. */
int hap_examples_positions(const struct hap_examples *examples, const char *names,
                           struct hap_positions *positions, struct hap_error *err);

#endif
