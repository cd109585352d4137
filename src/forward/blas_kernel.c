#include "forward/blas_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHOSEN "HAP_BLAS_CHOSE" /* tells the program started again what the library chose */

static char replaced[32];

static enum hap_vectors vectors_of(const char *kernel)
{
        const struct hap_blas_kernels *known = hap_blas_library.known;

        while (known->name && strcasecmp(known->name, kernel) != 0)
                known++;
        return known->vectors;
}

/* What the processor and the system support. */
static enum hap_vectors processor_vectors(void)
{
#if defined(__x86_64__)
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl"))
                return HAP_AVX512;
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
                return HAP_AVX2_FMA;
        if (__builtin_cpu_supports("avx"))
                return HAP_AVX;
#endif
        return HAP_SSE;
}

const char *hap_blas_better_kernel(const char *chosen, enum hap_vectors processor)
{
        return vectors_of(chosen) < processor ? hap_blas_library.best[processor] : NULL;
}

struct hap_blas_kernel hap_blas_kernel(void)
{
        struct hap_blas_kernel kernel = {
                .name = hap_blas_library.kernels(),
                .replaced = *replaced ? replaced : NULL,
                .processor = processor_vectors(),
        };

        kernel.used = kernel.name ? vectors_of(kernel.name) : kernel.processor;
        return kernel;
}

/* --- before main --- */

/* Returns if that is impossible. */
static void start_again(char **argv)
{
        char path[4096];
        const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

        if (length <= 0)
                return;
        path[length] = '\0';
        execv(path, argv);
}

/* If it is impossible, the kernels stay as they are. */
static void start_with_kernel(char **argv, const char *chosen, const char *kernel)
{
        if (setenv(hap_blas_library.variable, kernel, 1) == 0 && setenv(CHOSEN, chosen, 1) == 0)
                start_again(argv);
        unsetenv(hap_blas_library.variable);
        unsetenv(CHOSEN);
}

void hap_blas_leave_out_threads(char **argv, char **environment)
{
        const char *variable = hap_blas_library.threads, *threads;
        struct rlimit space, data;

        environ = environment; /* the C library has not set it yet */
        threads = variable ? getenv(variable) : "1";
        if ((threads && strcmp(threads, "1") == 0) || getrlimit(RLIMIT_AS, &space) < 0 ||
            getrlimit(RLIMIT_DATA, &data) < 0 ||
            (space.rlim_cur == RLIM_INFINITY && data.rlim_cur == RLIM_INFINITY))
                return;
        if (setenv(variable, "1", 1) == 0)
                start_again(argv);
}

void hap_blas_choose_kernel(char **argv)
{
        const char *variable = hap_blas_library.variable, *before = getenv(CHOSEN), *chosen, *better;

        if (hap_blas_library.one_thread)
                hap_blas_library.one_thread(); /* threads are the engine's */
        if (!variable)
                return;
        if (before) {
                snprintf(replaced, sizeof replaced, "%s", before);
                unsetenv(CHOSEN);
                return;
        }
        chosen = hap_blas_library.kernels();
        better = hap_blas_better_kernel(chosen, processor_vectors());
        if (better && !getenv(variable))
                start_with_kernel(argv, chosen, better);
}
