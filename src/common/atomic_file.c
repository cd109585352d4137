#include "common/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mpi.h"

#define MAX_OPEN 8

/* For the signal handler. */
static char *volatile open_files[MAX_OPEN];

static void remember(char *path)
{
        for (int i = 0; i < MAX_OPEN; i++)
                if (!open_files[i]) {
                        open_files[i] = path;
                        return;
                }
}

static void forget(const char *path)
{
        for (int i = 0; i < MAX_OPEN; i++)
                if (open_files[i] == path)
                        open_files[i] = NULL;
}

void hap_atomic_file_remove_all(void)
{
        for (int i = 0; i < MAX_OPEN; i++)
                if (open_files[i])
                        unlink(open_files[i]);
}

static const char *base_of(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static char *temporary_name(const char *target)
{
        const char *base = base_of(target);
        char *file;

        return asprintf(&file, "%.*s.%s.tmp-%ld", (int)(base - target), target, base,
                        (long)getpid()) < 0 ? NULL : file;
}

/* --- what killed processes have left --- */

/* Whether a name is that of a temporary file of this target. *pid: of the process. */
static bool is_temporary(const char *name, const char *base, long *pid)
{
        const size_t n = strlen(base);
        char *end;

        if (name[0] != '.' || strncmp(name + 1, base, n) != 0 ||
            strncmp(name + 1 + n, ".tmp-", 5) != 0)
                return false;
        name += n + 6;
        if (!*name || strlen(name) > 18 || strspn(name, "0123456789") != strlen(name))
                return false;
        *pid = strtol(name, &end, 10);
        return *pid > 0;
}

/* Removes a file that nobody has locked. A file system without locks keeps it. */
static void remove_unlocked(int folder, const char *name)
{
        int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat st;

        if (fd < 0)
                return;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
                unlinkat(folder, name, 0);
        close(fd);
}

static void remove_stale(const char *target)
{
        const char *base = base_of(target);
        char *folder = strndup(target, (size_t)(base - target));
        DIR *entries = folder ? opendir(*folder ? folder : ".") : NULL;
        const struct dirent *entry;
        long pid;

        while (entries && (entry = readdir(entries)))
                if (is_temporary(entry->d_name, base, &pid) &&
                    kill((pid_t)pid, 0) < 0 && errno == ESRCH)
                        remove_unlocked(dirfd(entries), entry->d_name);
        if (entries)
                closedir(entries);
        free(folder);
}

/* Creates and locks the temporary file; another process may take it for stale in between, and
 * remove it. Without locks, the file is only not collected. */
static int create_locked(const char *path)
{
        struct stat st;

        for (int i = 0; i < 10; i++) {
                int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

                if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0 || st.st_nlink > 0)
                        return fd;
                close(fd);
        }
        errno = EAGAIN;
        return -1;
}

/* The canonical name of a file, which need not exist. */
static char *real_target(const char *path)
{
        const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
        char *target = realpath(path, NULL), *folder = NULL, *real = NULL;
        char link[PATH_MAX];
        ssize_t n;

        if (target)
                return target;
        /* a link to a file that does not exist yet; a cycle of links gives another errno */
        if (errno == ENOENT && (n = readlink(path, link, sizeof link)) > 0) {
                if (asprintf(&folder, "%.*s%.*s", *link == '/' ? 0 : (int)(base - path), path,
                             (int)n, link) < 0)
                        return NULL;
                target = real_target(folder);
                free(folder);
                return target;
        }
        if (asprintf(&folder, "%.*s.", (int)(base - path), path) < 0)
                return NULL;
        real = realpath(folder, NULL);
        if (asprintf(&target, "%s/%s", real ? real : folder, base) < 0)
                target = NULL;
        free(folder);
        free(real);
        return target;
}

static int fail_atomic_file(struct hap_atomic_file *file, int why)
{
        free(file->path);
        file->path = NULL;
        errno = why;
        return -1;
}

int hap_atomic_file_open(struct hap_atomic_file *file, const char *path)
{
        struct stat st;
        int fd;

        *file = (struct hap_atomic_file){.lock = -1};
        if (!*path)
                return fail_atomic_file(file, ENOENT);
        file->target = real_target(path);
        file->path = file->target ? temporary_name(file->target) : NULL;
        if (!file->path)
                return fail_atomic_file(file, ENOMEM);
        if (!hap_mpi_writes()) {
                free(file->path);
                file->path = NULL;
                return open("/dev/null", O_RDWR | O_CLOEXEC);
        }
        remove_stale(file->target);
        unlink(file->path);
        remember(file->path); /* before the file exists: a signal may arrive as soon as it does */
        fd = create_locked(file->path);
        if (fd < 0) {
                int why = errno;

                forget(file->path);
                return fail_atomic_file(file, why);
        }
        file->lock = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (file->lock < 0 ||
            (stat(file->target, &st) == 0 && fchmod(fd, st.st_mode & 0777) < 0)) {
                int why = errno;

                close(fd);
                hap_atomic_file_release(file);
                return fail_atomic_file(file, why);
        }
        return fd;
}

/* So that the new name is on the disk. The file is complete without it. */
static void synchronise_folder(const char *target)
{
        const char *base = base_of(target);
        char *folder = strndup(target, (size_t)(base - target));
        int fd = folder ? open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        if (fd >= 0) {
                fsync(fd);
                close(fd);
        }
        free(folder);
}

int hap_atomic_file_rename(struct hap_atomic_file *file)
{
        if (!file->path)
                return 0; /* not rank 0 */
        /* EINVAL: the file system has no such thing */
        if ((fsync(file->lock) < 0 && errno != EINVAL) || rename(file->path, file->target) < 0)
                return -1;
        forget(file->path);
        free(file->path);
        file->path = NULL;
        close(file->lock);
        file->lock = -1;
        synchronise_folder(file->target);
        return 0;
}

void hap_atomic_file_release(struct hap_atomic_file *file)
{
        if (file->path) {
                unlink(file->path);
                forget(file->path);
                if (file->lock >= 0)
                        close(file->lock);
        }
        free(file->path);
        free(file->target);
        *file = (struct hap_atomic_file){.lock = -1};
}

void hap_target_remove(const char *path)
{
        char *target = real_target(path);

        if (target && hap_mpi_writes())
                unlink(target);
        free(target);
}

bool hap_same_target(const char *a, const char *b)
{
        char *x = real_target(a), *y = real_target(b);
        bool same = x && y && strcmp(x, y) == 0;

        free(x);
        free(y);
        return same;
}
