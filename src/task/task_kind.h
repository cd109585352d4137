/* The tasks that hap knows by name, and the splits of their prompts. */
#ifndef HAP_TASK_TASK_KIND_H
#define HAP_TASK_TASK_KIND_H

#include <stdbool.h>

#define HAP_TASK_MAX_CORRUPTIONS 8

enum hap_split { HAP_TRAIN, HAP_VALIDATION, HAP_TEST };
extern const char *const hap_split_names[]; /* NULL-terminated */

struct hap_task_kind {
        const char *name;
        /* The first is the default, called "corrupted" in files. */
        const char *corruptions[HAP_TASK_MAX_CORRUPTIONS];
        bool generated; /* prompts can be generated for any tokenizer */
};
extern const struct hap_task_kind hap_tasks[]; /* the last has a NULL name */

/* The task of that name, or NULL. */
const struct hap_task_kind *hap_task_find(const char *name);
/* Whether two names are equal. '-' and '_' are the same character. */
bool hap_same_name(const char *a, const char *b);

#endif
