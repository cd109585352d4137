/* What hap-task writes: a stream, or text with --check or --list. Only hap-task uses it. */
#ifndef HAP_DATA_TASK_OUTPUT_H
#define HAP_DATA_TASK_OUTPUT_H

#include "common/program.h"
#include "task/task.h"

struct hap_task_output {
        struct hap_task_request request;
        const struct hap_task_model *model;
        struct hap_model *loaded; /* with its weights, to predict; else NULL */
        bool check, skip_bad;
        const char *shard; /* "I/N": only this part is written; NULL: all */
};

/* Writes the task's section, or with `check` its prompts as text; returns their number. Every
 * prompt of the user's file that cannot be used is reported; without `skip_bad` they then end the
 * program, or with `check` make *status 3, else 0. */
size_t hap_task_output(struct hap_program *p, const struct hap_task_output *output, int *status);

/* Prints the tasks, their splits, numbers and corruptions. */
void hap_task_print_list(struct hap_program *p);

#endif
