/* A task's records one after another, ready to be written; those that cannot be used are
 * reported. */
#ifndef HAP_TASK_TASK_READ_H
#define HAP_TASK_TASK_READ_H

#include "task/task.h"
#include "task/task_remarks.h"

struct hap_task_reading {
        struct hap_task_source *source;
        const struct hap_task_model *model;
        /* Called for each record that cannot be used, with the reason, and counted; NULL: the
         * first one is an error. */
        void (*bad)(void *context, const char *message);
        void *context;
        size_t n, n_bad; /* records so far: read, and bad */
        size_t remarks[HAP_REMARKS]; /* the number of records that each applies to */
};

/* The next record that can be used: 1 and a new reference, 0 at the end, or a code. `where` as in
 * hap_task_next. Records of prompts that are generated are never skipped. */
int hap_task_read(struct hap_task_reading *reading, json_t **record, char *where, size_t size,
                  struct hap_error *err);

#endif
