/* Preloaded into a program: makes one call of a kind fail.
 *
 * HAP_FAULT=KIND:N fails the N-th call of that kind, counted from 1 (KIND:0 fails none), and
 * only once. HAP_FAULT_COUNT=FILE: the number of calls is written there at the end, so that a
 * script knows when it has tried them all. Kinds:
 *
 *   memory   malloc, calloc, realloc, reallocarray, aligned_alloc, posix_memalign: ENOMEM
 *   map      mmap of anonymous memory: ENOMEM
 *   write    write, on any descriptor but standard error: ENOSPC
 *   short    the same: half of the bytes are written
 *   read     read: EIO
 *   open     open, openat, mkostemp: EMFILE
 *   rename   rename: EIO
 *   sync     fsync: EIO
 *   close    close of a file that was written: EIO (the file is closed)
 *   thread   pthread_create: EAGAIN */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind, *count_file;
static long wanted;
static atomic_long calls;
static atomic_bool ready;

/* Counting begins in main: what the loader and other libraries' constructors do is not the
 * program's. */
static bool fails(const char *this_kind)
{
        return atomic_load(&ready) && kind && strcmp(kind, this_kind) == 0 &&
               atomic_fetch_add(&calls, 1) + 1 == wanted;
}

static void *next(const char *name)
{
        return dlsym(RTLD_NEXT, name);
}

static void write_count(void)
{
        char text[32];
        int fd, n;

        atomic_store(&ready, false);
        if (!count_file)
                return;
        fd = open(count_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        n = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
        if (fd >= 0) {
                if (write(fd, text, (size_t)n) != n)
                        _exit(99);
                close(fd);
        }
}

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*linker)(void), void *stack);

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment)
{
        static char copy[64];
        const char *fault = getenv("HAP_FAULT");
        char *colon;

        count_file = getenv("HAP_FAULT_COUNT");
        if (fault) {
                snprintf(copy, sizeof copy, "%s", fault);
                colon = strchr(copy, ':');
                wanted = colon ? strtol(colon + 1, NULL, 10) : 0;
                if (colon)
                        *colon = '\0';
                kind = copy;
        }
        atexit(write_count);
        atomic_store(&ready, true);
        return real_main(argc, argv, environment);
}

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*linker)(void), void *stack)
{
        int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                    void (*)(void), void *) = next("__libc_start_main");

        real_main = start;
        return real(counted_main, argc, argv, init, fini, linker, stack);
}

/* --- memory: glibc's own names, because dlsym itself allocates --- */

/* OpenBLAS does not check its allocations (0.3.21 in its kernels for small matrices); these do
 * not fail. */
static bool memory_fails(const void *caller)
{
        Dl_info from;

        if (!atomic_load(&ready) || !kind || strcmp(kind, "memory") != 0 ||
            (dladdr(caller, &from) && from.dli_fname && strstr(from.dli_fname, "openblas")))
                return false;
        return fails("memory");
}
#define MEMORY_FAILS memory_fails(__builtin_return_address(0))

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static void *no_memory(void)
{
        errno = ENOMEM;
        return NULL;
}

void *malloc(size_t size)
{
        return MEMORY_FAILS ? no_memory() : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
        return MEMORY_FAILS ? no_memory() : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
        return MEMORY_FAILS ? no_memory() : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
        size_t bytes;

        if (__builtin_mul_overflow(n, size, &bytes))
                return no_memory();
        return MEMORY_FAILS ? no_memory() : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t size)
{
        return MEMORY_FAILS ? no_memory() : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
        if (MEMORY_FAILS)
                return ENOMEM;
        *out = __libc_memalign(alignment, size);
        return *out ? 0 : ENOMEM;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
        void *(*real)(void *, size_t, int, int, int, off_t) = next("mmap");

        if ((flags & MAP_ANONYMOUS) && fails("map")) {
                errno = ENOMEM;
                return MAP_FAILED;
        }
        return real(address, size, protection, flags, fd, offset);
}

/* --- files --- */

ssize_t write(int fd, const void *data, size_t size)
{
        ssize_t (*real)(int, const void *, size_t) = next("write");

        if (fd != STDERR_FILENO && fails("write")) {
                errno = ENOSPC;
                return -1;
        }
        if (fd != STDERR_FILENO && size > 1 && fails("short"))
                size /= 2;
        return real(fd, data, size);
}

ssize_t read(int fd, void *data, size_t size)
{
        ssize_t (*real)(int, void *, size_t) = next("read");

        if (fails("read")) {
                errno = EIO;
                return -1;
        }
        return real(fd, data, size);
}

#define MODE(flags) \
        mode_t mode = 0; \
        if ((flags) & (O_CREAT | O_TMPFILE)) { \
                va_list arguments; \
                va_start(arguments, flags); \
                mode = va_arg(arguments, mode_t); \
                va_end(arguments); \
        }

static int too_many_files(void)
{
        errno = EMFILE;
        return -1;
}

int open(const char *path, int flags, ...)
{
        int (*real)(const char *, int, ...) = next("open");
        MODE(flags)

        return fails("open") ? too_many_files() : real(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
        int (*real)(int, const char *, int, ...) = next("openat");
        MODE(flags)

        return fails("open") ? too_many_files() : real(folder, path, flags, mode);
}

int mkostemp(char *path, int flags)
{
        int (*real)(char *, int) = next("mkostemp");

        return fails("open") ? too_many_files() : real(path, flags);
}

FILE *fopen(const char *path, const char *mode)
{
        FILE *(*real)(const char *, const char *) = next("fopen");

        if (!fails("open"))
                return real(path, mode);
        errno = EMFILE;
        return NULL;
}

static int io_error(void)
{
        errno = EIO;
        return -1;
}

int rename(const char *from, const char *to)
{
        int (*real)(const char *, const char *) = next("rename");

        return fails("rename") ? io_error() : real(from, to);
}

int fsync(int fd)
{
        int (*real)(int) = next("fsync");

        return fails("sync") ? io_error() : real(fd);
}

int close(int fd)
{
        int (*real)(int) = next("close");
        const int access = fcntl(fd, F_GETFL) & O_ACCMODE;

        if (access != O_RDONLY && fd > STDERR_FILENO && fails("close")) {
                real(fd);
                return io_error();
        }
        return real(fd);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
        int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
                next("pthread_create");

        return fails("thread") ? EAGAIN : real(thread, attributes, start, argument);
}
