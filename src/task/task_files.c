#include "task/task_files.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_folder_of_tasks(const char *root, const char *rest, char *folder, size_t size)
{
        int n = snprintf(folder, size, "%s%s", root, rest);

        return n > 0 && (size_t)n < size && access(folder, R_OK | X_OK) == 0;
}

int hap_task_folder(const char *model_path, char *folder, size_t size)
{
        static const char *const candidates[] = { "/../models/demo/tasks",
                                              "/../../models/demo/tasks",
                                              "/../share/hap/models/demo/tasks" };
        const char *data = getenv("HAP_DATA");
        char self[1024];
        ssize_t length;

        if (model_path)
                return is_folder_of_tasks(model_path, "/tasks", folder, size) ? 0 : -1;
        if (data && *data)
                return is_folder_of_tasks(data, "/models/demo/tasks", folder, size) ? 0 : -1;
        length = readlink("/proc/self/exe", self, sizeof self - 1);
        self[length > 0 ? length : 0] = '\0';
        if (strrchr(self, '/')) {
                *strrchr(self, '/') = '\0';
                for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
                        if (is_folder_of_tasks(self, candidates[i], folder, size))
                                return 0;
        }
        return is_folder_of_tasks(HAP_DATADIR, "/models/demo/tasks", folder, size) ? 0 : -1;
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
