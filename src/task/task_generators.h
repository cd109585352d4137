/* How the prompts of each task are generated. */
#ifndef HAP_TASK_TASK_GENERATORS_H
#define HAP_TASK_TASK_GENERATORS_H

#include "task/task_draw.h"

struct hap_generator {
        const char *task;
        /* Finds its words in the vocabulary. HAP_EINPUT: too few are single tokens. */
        int (*prepare)(struct hap_draw *draw, struct hap_error *err);
        /* Draws draft draw->tried. False: it does not fit, try the next. */
        bool (*generate)(const struct hap_draw *draw, struct hap_draft *draft);
};

/* The generator of a task, or NULL. */
const struct hap_generator *hap_generator_find(const char *task);

#endif
