#include "forward/blas_kernel.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/program.h"

/* Of OpenBLAS only. */
void openblas_set_num_threads(int threads) __attribute__((weak));
char *openblas_get_config(void) __attribute__((weak));
char *openblas_get_corename(void) __attribute__((weak));

#define CHOSEN "HAP_BLAS_CHOSE" /* tells the program started again what the library chose */

static char replaced[32];

/* OpenBLAS's kernels for x86-64 with vectors wider than SSE's. */
static const struct {
        const char *name;
        enum hap_vectors vectors;
} kernels[] = {
        {"Sandybridge", HAP_AVX},   {"Bulldozer", HAP_AVX},    {"Piledriver", HAP_AVX},
        {"Steamroller", HAP_AVX},   {"Excavator", HAP_AVX},    {"Haswell", HAP_AVX2_FMA},
        {"Zen", HAP_AVX2_FMA},      {"SkylakeX", HAP_AVX512},  {"Cooperlake", HAP_AVX512},
        {"SapphireRapids", HAP_AVX512},
};

static enum hap_vectors vectors_of(const char *kernel)
{
        for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
                if (strcasecmp(kernels[i].name, kernel) == 0)
                        return kernels[i].vectors;
        return HAP_SSE;
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
        static const char *const best[] = {NULL, "Sandybridge", "Haswell", "SkylakeX"};

        return vectors_of(chosen) < processor ? best[processor] : NULL;
}

struct hap_blas_kernel hap_blas_kernel(void)
{
        struct hap_blas_kernel kernel = {
                .library = openblas_get_config ? openblas_get_config() : NULL,
                .name = openblas_get_corename ? openblas_get_corename() : NULL,
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
        if (setenv("OPENBLAS_CORETYPE", kernel, 1) == 0 && setenv(CHOSEN, chosen, 1) == 0)
                start_again(argv);
        unsetenv("OPENBLAS_CORETYPE");
        unsetenv(CHOSEN);
}

/* OpenBLAS starts threads when it is loaded, and each of them asks for a buffer without end.
 * They are not used. Where memory is limited, the program starts again without them. */
static void leave_out_threads(char **argv)
{
        const char *threads = getenv("OPENBLAS_NUM_THREADS");
        struct rlimit space, data;

        if ((threads && strcmp(threads, "1") == 0) || getrlimit(RLIMIT_AS, &space) < 0 ||
            getrlimit(RLIMIT_DATA, &data) < 0 ||
            (space.rlim_cur == RLIM_INFINITY && data.rlim_cur == RLIM_INFINITY))
                return;
        if (setenv("OPENBLAS_NUM_THREADS", "1", 1) == 0)
                start_again(argv);
}

void hap_blas_choose_kernel(char **argv)
{
        const char *before = getenv(CHOSEN), *chosen, *better;
        const bool asked = getenv("OPENBLAS_CORETYPE") && !before;

        if (openblas_set_num_threads) {
                leave_out_threads(argv);
                openblas_set_num_threads(1); /* threads are the engine's */
        }
        if (!openblas_get_corename)
                return;
        chosen = openblas_get_corename();
        better = hap_blas_better_kernel(chosen, processor_vectors());
        if (before) {
                snprintf(replaced, sizeof replaced, "%s", before);
                unsetenv(CHOSEN);
        } else if (better && !asked) {
                start_with_kernel(argv, chosen, better);
        }
        if (better && !asked)
                hap_program_warn("the BLAS uses kernels without this processor's vectors: see "
                                 "hap-model --system");
}
