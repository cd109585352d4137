#include "task/task_files.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/data_path.h"

int hap_task_folder(const char *model_path, char *folder, size_t size)
{
        char found[HAP_PATH];
        int n;

        if (!model_path)
                return hap_data_path("models/demo/tasks", folder, size) ? 0 : -1;
        n = snprintf(folder, size, "%s/tasks", hap_model_path(model_path, found));
        return n > 0 && (size_t)n < size && access(folder, R_OK | X_OK) == 0 ? 0 : -1;
}

int hap_task_file(const char *folder, const char *name, enum hap_split split, char *path,
                  size_t size)
{
        for (int dashes = 0; dashes < 2; dashes++) {
                int n = snprintf(path, size, "%s/%s", folder, name);
                char *stem = path + strlen(folder);

                if (n < 0 || (size_t)n >= size)
                        return -1;
                for (; *stem; stem++)
                        if (*stem == '-' || *stem == '_')
                                *stem = dashes ? '-' : '_';
                n = snprintf(stem, size - (size_t)(stem - path), "-%s.jsonl",
                             hap_split_names[split]);
                if (n > 0 && (size_t)n < size - (size_t)(stem - path) &&
                    access(path, R_OK) == 0)
                        return 0;
        }
        return -1;
}
