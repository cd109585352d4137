#include "common/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static char *temporary_name(const char *target)
{
        const char *slash = strrchr(target, '/');
        int folder = slash ? (int)(slash - target) + 1 : 0;
        char *file;

        return asprintf(&file, "%.*s.%s.tmp-%ld", folder, target, target + folder,
                        (long)getpid()) < 0 ? NULL : file;
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

        *file = (struct hap_atomic_file){0};
        if (!*path)
                return fail_atomic_file(file, ENOENT);
        file->target = real_target(path);
        file->path = file->target ? temporary_name(file->target) : NULL;
        if (!file->path)
                return fail_atomic_file(file, ENOMEM);
        unlink(file->path);
        remember(file->path); /* before the file exists: a signal may arrive as soon as it does */
        fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0) {
                int why = errno;

                forget(file->path);
                return fail_atomic_file(file, why);
        }
        if (stat(file->target, &st) == 0 && fchmod(fd, st.st_mode & 07777) < 0) {
                int why = errno;

                close(fd);
                hap_atomic_file_release(file);
                return fail_atomic_file(file, why);
        }
        return fd;
}

int hap_atomic_file_rename(struct hap_atomic_file *file)
{
        if (rename(file->path, file->target) < 0)
                return -1;
        forget(file->path);
        free(file->path);
        file->path = NULL;
        return 0;
}

void hap_atomic_file_release(struct hap_atomic_file *file)
{
        if (file->path) {
                unlink(file->path);
                forget(file->path);
        }
        free(file->path);
        free(file->target);
        *file = (struct hap_atomic_file){0};
}

void hap_target_remove(const char *path)
{
        char *target = real_target(path);

        if (target)
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
