/* The files of prompts that ship with a model. */
#ifndef HAP_TASK_TASK_FILES_H
#define HAP_TASK_TASK_FILES_H

#include <stddef.h>

#include "task/task_kind.h"

/* The folder of a model's task files; for NULL the demo model's. -1: there is none. */
int hap_task_folder(const char *model_path, char *folder, size_t size);
/* FOLDER/NAME-SPLIT.jsonl, with dashes or underscores in the name. -1: there is none. */
int hap_task_file(const char *folder, const char *name, enum hap_split split,
                  char *path, size_t size);

#endif
