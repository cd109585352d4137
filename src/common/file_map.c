#include "common/file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind(const struct stat *st, const char *path, struct hap_error *err)
{
        if (!S_ISREG(st->st_mode))
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': not a plain file", path);
        if (st->st_size == 0)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': it is empty", path);
        return 0;
}

/* A clone without git-lfs has small text files in place of large ones. */
static int check_pointer(struct hap_file_map *map, const char *path, struct hap_error *err)
{
        static const char start[] = "version https://git-lfs.github.com/spec/";

        if (map->size < sizeof(start) || memcmp(map->data, start, sizeof(start) - 1) != 0)
                return 0;
        hap_file_map_close(map);
        return hap_fail(err, HAP_EINPUT, "cannot read '%s': it is a Git LFS pointer, not the file "
                        "itself; run 'git lfs pull' in its folder", path);
}

int hap_file_map_open(struct hap_file_map *map, const char *path, struct hap_error *err)
{
        struct stat st;
        void *data;
        int fd, rc;

        *map = (struct hap_file_map){0};
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0) {
                rc = hap_fail(err, HAP_ESYSTEM, "cannot read '%s': %s", path, strerror(errno));
                goto out;
        }
        rc = check_kind(&st, path, err);
        if (rc < 0)
                goto out;
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
                rc = hap_fail(err, HAP_ESYSTEM, "cannot map '%s': %s", path, strerror(errno));
                goto out;
        }
        map->data = data;
        map->size = (size_t)st.st_size;
        rc = check_pointer(map, path, err);
out:
        if (fd >= 0)
                close(fd);
        return rc;
}

void hap_file_map_close(struct hap_file_map *map)
{
        if (map->data)
                munmap((void *)(uintptr_t)map->data, map->size);
        *map = (struct hap_file_map){0};
}

static void advise(const void *data, size_t bytes, int advice)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t first = ((uintptr_t)data + page - 1) & ~(page - 1);
        uintptr_t end = ((uintptr_t)data + bytes) & ~(page - 1);

        if (end > first)
                madvise((void *)first, end - first, advice);
}

void hap_file_map_forget(const void *data, size_t bytes)
{
        advise(data, bytes, MADV_DONTNEED);
}

void hap_file_map_large_pages(void *data, size_t bytes)
{
        if (bytes >= 1u << 20)
                advise(data, bytes, MADV_HUGEPAGE);
}
