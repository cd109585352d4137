/* A file that appears complete or not at all: it is written under a temporary name in the
 * folder of its target, ".NAME.tmp-PID", synchronised, and renamed when it is complete.
 *
 * After SIGKILL the temporary file remains; the next process that writes the same target removes
 * it. A temporary file that is still being written, also on another host, is locked, and stays. */
#ifndef HAP_COMMON_ATOMIC_FILE_H
#define HAP_COMMON_ATOMIC_FILE_H

#include <stdbool.h>

struct hap_atomic_file {
        char *target; /* the file to replace, with links resolved; it need not exist */
        char *path;   /* the temporary file, or NULL; both owned */
        int lock;     /* another descriptor of the temporary file, which has the lock; or -1 */
};

/* Returns a descriptor for writing, which the caller closes; the file gets the permissions
 * of an existing target, without setuid, setgid and sticky bits. -1: errno is set, and
 * hap_atomic_file_release must still be called. */
int hap_atomic_file_open(struct hap_atomic_file *file, const char *path);
/* Synchronises the file and its folder with the disk. 0, or -1 with errno. */
int hap_atomic_file_rename(struct hap_atomic_file *file);
/* Removes the temporary file unless it was renamed. */
void hap_atomic_file_release(struct hap_atomic_file *file);
/* Removes all temporary files that are open. Signal handlers may call it. */
void hap_atomic_file_remove_all(void);

/* Removes a file that was made this way. If the path is a link, removes its target. */
void hap_target_remove(const char *path);
/* Whether both paths name the same file, which need not exist. */
bool hap_same_target(const char *a, const char *b);

#endif
