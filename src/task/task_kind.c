#include "task/task_kind.h"

#include <stddef.h>

const char *const hap_split_names[] = { "train", "validation", "test", NULL };

const struct hap_task_kind hap_tasks[] = {
        { "ioi", { "abc", "s2-io-flip", "s1-io-flip", "s1-flip", "random-names" }, true },
        { "greater-than", { "year-01", "random-year" }, true },
        { "gendered-pronoun", { "other-gender" }, true },
        { "docstring", { "other-names", "exchange" }, false },
        { "induction", { "no-repeat", "exchange" }, false },
        { NULL, { NULL }, false },
};

bool hap_same_name(const char *a, const char *b)
{
        for (; *a && *b; a++, b++)
                if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
                        return false;
        return *a == *b;
}

const struct hap_task_kind *hap_task_find(const char *name)
{
        for (const struct hap_task_kind *task = hap_tasks; task->name; task++)
                if (hap_same_name(task->name, name))
                        return task;
        return NULL;
}
