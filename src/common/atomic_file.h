/* A file that is to appear whole or not at all: written under another name in the
 * folder of its target, ".NAME.tmp-PID", and renamed when all of it is on the disk. */
#ifndef HAP_COMMON_ATOMIC_FILE_H
#define HAP_COMMON_ATOMIC_FILE_H

#include <stdbool.h>

struct hap_atomic_file {
        char *target; /* what is replaced: a link's target, there or not, not the link */
        char *path;   /* what is written, or NULL; both owned */
};

/* A descriptor to write, with the mode of the target where there is one; the caller
 * closes it. -1: errno says why, hap_atomic_file_release is due all the same. */
int hap_atomic_file_open(struct hap_atomic_file *beside, const char *path);
/* 0, or -1 with errno. */
int hap_atomic_file_rename(struct hap_atomic_file *beside);
/* Removes what was not renamed. */
void hap_atomic_file_release(struct hap_atomic_file *beside);
/* Removes those of all that are open; for signal handlers. */
void hap_atomic_file_remove_all(void);

/* Removes what such a file was renamed to: a link's target, not the link. */
void hap_target_remove(const char *path);
/* Whether both paths name one file, there or not. */
bool hap_same_target(const char *a, const char *b);

#endif
