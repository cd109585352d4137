#include "forward/blas_report.h"

#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "forward/blas.h"
#include "forward/blas_kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const vector_names[] = {"SSE", "AVX", "AVX2 and FMA", "AVX-512"};

/* --- rates --- */

enum { SUMS = 12, ROUNDS = 1 << 14 };

#define DEFINE_ROUNDS(name, bytes, features)                                                       \
        features static float name(float start)                                                    \
        {                                                                                          \
                typedef float vector __attribute__((vector_size(bytes)));                          \
                const vector factor = (vector){0} + .999f, term = (vector){0} + start;             \
                vector sum[SUMS];                                                                  \
                float total = 0;                                                                   \
                                                                                                   \
                for (int i = 0; i < SUMS; i++)                                                     \
                        sum[i] = term + (float)i;                                                  \
                for (int round = 0; round < ROUNDS; round++)                                       \
                        for (int i = 0; i < SUMS; i++)                                             \
                                sum[i] = sum[i] * factor + term;                                   \
                for (int i = 0; i < SUMS; i++)                                                     \
                        total += sum[i][0];                                                        \
                return total;                                                                      \
        }

#if defined(__x86_64__)
DEFINE_ROUNDS(rounds_sse, 16, )
DEFINE_ROUNDS(rounds_avx, 32, __attribute__((target("avx"))))
DEFINE_ROUNDS(rounds_avx2, 32, __attribute__((target("avx2,fma"))))
DEFINE_ROUNDS(rounds_avx512, 64, __attribute__((target("avx512f,avx2,fma"))))
static float (*const rounds[])(float) = {rounds_sse, rounds_avx, rounds_avx2, rounds_avx512};
#else
DEFINE_ROUNDS(rounds_sse, 16, )
static float (*const rounds[])(float) = {rounds_sse};
#endif
static const int widths[] = {4, 8, 8, 16};

static double register_rate(enum hap_vectors vectors, double seconds)
{
        const double start = hap_seconds();
        volatile float total = .5f; /* keeps the rounds in the program */
        double n = 0, took;

        do {
                total = rounds[vectors](total > 0 ? .5f : .25f);
                n += 2. * SUMS * ROUNDS * widths[vectors];
                took = hap_seconds() - start;
        } while (took < seconds);
        return n / took / 1e9;
}

static double sgemm_rate(double seconds)
{
        enum { M = 128, N = 3072, K = 768 };
        float *a = calloc((size_t)M * K, sizeof *a), *b = calloc((size_t)N * K, sizeof *b);
        float *c = calloc((size_t)M * N, sizeof *c);
        double n = 0, start, took = 1;

        if (a && b && c) {
                hap_gemm(false, true, M, N, K, 1, a, K, b, K, 0, c, N); /* takes its buffers */
                start = hap_seconds();
                do {
                        hap_gemm(false, true, M, N, K, 1, a, K, b, K, 0, c, N);
                        n += 2. * M * N * K;
                        took = hap_seconds() - start;
                } while (took < seconds);
        }
        free(a);
        free(b);
        free(c);
        return n / took / 1e9;
}

void hap_blas_rates(int threads, double *sgemm, double *registers)
{
        const enum hap_vectors vectors = hap_blas_kernel().processor;
        double products = 0, sums = 0;

#pragma omp parallel num_threads(threads) reduction(+ : products, sums)
        {
                sums += register_rate(vectors, .1);
#pragma omp barrier
                products += sgemm_rate(.3);
        }
        *sgemm = products;
        *registers = sums;
}

/* --- report --- */

static bool has_leaf7(unsigned bit)
{
#if defined(__x86_64__)
        unsigned a, b, c, d = 0;

        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> bit & 1);
#else
        (void)bit;
        return false;
#endif
}

static void report_processor(const struct hap_blas_kernel *kernel, FILE *out)
{
        enum { AMX_BF16 = 22 };

        fprintf(out, "%-14s %s%s, %ld cores\n", "processor", vector_names[kernel->processor],
                has_leaf7(AMX_BF16) ? ", AMX with BF16" : "", sysconf(_SC_NPROCESSORS_ONLN));
}

void hap_blas_report(int threads, FILE *out)
{
        const struct hap_blas_kernel kernel = hap_blas_kernel();
        double sgemm, registers;

        hap_blas_rates(threads, &sgemm, &registers);
        report_processor(&kernel, out);
        fprintf(out, "%-14s %s\n", "BLAS", kernel.library ? kernel.library : "unknown");
        if (kernel.name)
                fprintf(out, "%-14s %s, with %s", "kernels", kernel.name,
                        vector_names[kernel.used]);
        if (kernel.replaced)
                fprintf(out, "; the library chose %s", kernel.replaced);
        else if (kernel.name && getenv("OPENBLAS_CORETYPE"))
                fprintf(out, "; OPENBLAS_CORETYPE is set");
        fprintf(out, "%s%-14s %d\n%-14s %.0f GFLOP/s of %.0f in registers\n",
                kernel.name ? "\n" : "", "threads", threads, "products", sgemm, registers);
        if (kernel.used < kernel.processor)
                fprintf(out, "%-14s the kernels have narrower vectors than the processor; "
                             "unset OPENBLAS_CORETYPE, or install a newer BLAS\n", "warning");
        else if (3 * sgemm < registers)
                fprintf(out, "%-14s products run at less than a third of what the processor can; "
                             "is it busy?\n", "warning");
}
