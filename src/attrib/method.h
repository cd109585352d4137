/* Attribution methods: the table.
 *
 * Everything that depends on the method is in its row; other files ask the row. To add
 * one, write its row here and its function, as in gradient.c and mask.c. */
#ifndef HAP_ATTRIB_METHOD_H
#define HAP_ATTRIB_METHOD_H

#include "data/memory_estimate.h"

struct hap_attrib;

enum hap_method_needs {
        HAP_NEEDS_STEPS = 1,   /* a number of steps from corrupted to clean */
        HAP_NEEDS_CIRCUIT = 2, /* masks of a circuit; without one, all are 1 */
        /* A gradient at the full model, which is zero for a metric that compares with the
         * full model. With a circuit the gradient is taken there instead. */
        HAP_NEEDS_SLOPE_AT_FULL_MODEL = 4,
};

struct hap_method {
        const char *name, *help;
        unsigned needs; /* of enum hap_method_needs, or'ed */
        /* The kind of its runs: HAP_MEMORY_GRADIENTS for full runs with gradients,
         * HAP_MEMORY_MASKED, HAP_MEMORY_TRAINING for masked runs with gradients. It decides
         * how prompts are read, and the memory estimate. */
        enum hap_memory_runs runs;
        /* Adds to attrib->sum ([n_edges]) the scores of the prompts, summed over them. */
        int (*run)(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err);
};

extern const struct hap_method *const hap_methods[]; /* NULL-terminated */

/* The choices of an option --method (see struct hap_option). */
const char *hap_method_choice(int i, const char **help);

#endif
