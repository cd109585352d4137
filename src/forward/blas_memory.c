#include "forward/blas_memory.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

/* OpenBLAS's BUFFER_SIZE on 64-bit processors, and the page that its allocators add. */
#define BUFFER (((size_t)128 << 20) + 4096)
enum { MAX_BUFFERS = 50 }; /* slots that OpenBLAS has at least, for any number of threads */

/* Whether this many buffers can be mapped at the same time. */
static bool can_map(size_t buffers)
{
        void *probe = mmap(NULL, buffers * BUFFER, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (probe == MAP_FAILED)
                return false;
        munmap(probe, buffers * BUFFER);
        return true;
}

int hap_blas_reserve(int threads, struct hap_error *err)
{
        static int reserved;
        /* These are internal to OpenBLAS, but exported since its first versions. */
        void *(*allocate)(int) = (void *(*)(int))dlsym(RTLD_DEFAULT, "blas_memory_alloc");
        void (*release)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "blas_memory_free");
        void *buffers[MAX_BUFFERS];
        int n = threads < MAX_BUFFERS ? threads : MAX_BUFFERS;

        if (!allocate || !release || n <= reserved)
                return HAP_OK;
        if (!can_map((size_t)(n - reserved)))
                return hap_fail(err, HAP_ESYSTEM, "out of memory for the BLAS: it needs 128 MiB of "
                                "address space for each of %d threads; raise ulimit -v, or use "
                                "fewer threads (-j)", threads);
        for (int i = 0; i < n; i++)
                buffers[i] = allocate(0);
        for (int i = 0; i < n; i++)
                release(buffers[i]);
        reserved = n;
        return HAP_OK;
}
