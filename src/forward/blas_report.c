#include "forward/blas_report.h"

#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "forward/blas.h"
#include "forward/blas_kernel.h"
#include "model/report.h"

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

double hap_blas_sgemm_rate(int threads, int m, int n, int k, bool transpose_b, double seconds)
{
        double rates = 0;

#pragma omp parallel num_threads(threads) reduction(+ : rates)
        {
                float *a = calloc((size_t)m * k, sizeof *a), *b = calloc((size_t)n * k, sizeof *b);
                float *c = calloc((size_t)m * n, sizeof *c);
                const int ldb = transpose_b ? k : n;
                double flop = 0, start, took = 1;

                if (a && b && c) /* takes its buffers */
                        hap_gemm(false, transpose_b, m, n, k, 1, a, k, b, ldb, 0, c, n);
#pragma omp barrier
                start = hap_seconds();
                while (a && b && c && (flop == 0 || took < seconds)) {
                        hap_gemm(false, transpose_b, m, n, k, 1, a, k, b, ldb, 0, c, n);
                        flop += 2. * m * n * k;
                        took = hap_seconds() - start;
                }
                rates += flop / took / 1e9;
                free(a);
                free(b);
                free(c);
        }
        return rates;
}

void hap_blas_rates(int threads, double *sgemm, double *registers)
{
        const enum hap_vectors vectors = hap_blas_kernel().processor;
        double rates = 0;

#pragma omp parallel num_threads(threads) reduction(+ : rates)
        rates += register_rate(vectors, .1);
        *registers = rates;
        *sgemm = hap_blas_sgemm_rate(threads, 128, 3072, 768, true, .3);
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

static void report_kernels(const struct hap_blas_kernel *kernel, FILE *out)
{
        const bool asked = !kernel->replaced && getenv("OPENBLAS_CORETYPE");

        if (kernel->name)
                hap_report_line(out, "kernels", "%s, with %s%s%s%s", kernel->name,
                                vector_names[kernel->used],
                                kernel->replaced ? "; the library chose " : "",
                                kernel->replaced ? kernel->replaced : "",
                                asked ? "; OPENBLAS_CORETYPE is set" : "");
}

void hap_blas_report(int threads, FILE *out)
{
        enum { AMX_BF16 = 22 };
        const struct hap_blas_kernel kernel = hap_blas_kernel();
        double sgemm, registers;

        hap_blas_rates(threads, &sgemm, &registers);
        hap_report_line(out, "processor", "%s%s, %ld cores", vector_names[kernel.processor],
                        has_leaf7(AMX_BF16) ? ", AMX with BF16" : "",
                        sysconf(_SC_NPROCESSORS_ONLN));
        hap_report_line(out, "BLAS", "%s", kernel.library ? kernel.library : "unknown");
        report_kernels(&kernel, out);
        hap_report_line(out, "threads", "%d", threads);
        hap_report_line(out, "products", "%.0f GFLOP/s of %.0f in registers", sgemm, registers);
        if (kernel.used < kernel.processor)
                hap_report_line(out, "warning", "the kernels have narrower vectors than the "
                                "processor; unset OPENBLAS_CORETYPE, or install a newer BLAS");
        else if (3 * sgemm < registers)
                hap_report_line(out, "warning", "products run at less than a third of what the "
                                "processor can; is it busy?");
}
