#include "forward/blas_rate.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "forward/blas_kernel.h"

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

static double register_rate(enum hap_vectors vectors, double (*now)(void), double seconds)
{
        const double start = now();
        volatile float total = .5f; /* keeps the rounds in the program */
        double n = 0, took;

        do {
                total = rounds[vectors](total > 0 ? .5f : .25f);
                n += 2. * SUMS * ROUNDS * widths[vectors];
                took = now() - start;
        } while (took < seconds);
        return n / took / 1e9;
}

static double thread_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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
                        hap_blas_library.product(false, transpose_b, m, n, k, 1, a, k, b, ldb, 0, c, n);
#pragma omp barrier
                start = hap_seconds();
                while (a && b && c && (flop == 0 || took < seconds)) {
                        hap_blas_library.product(false, transpose_b, m, n, k, 1, a, k, b, ldb, 0, c, n);
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
        rates += register_rate(vectors, hap_seconds, .1);
        *registers = rates;
        *sgemm = hap_blas_sgemm_rate(threads, 128, 3072, 768, true, .3);
}

/* --- the warning at the end --- */

/* SSE's kernels reach 1/4 to 1/3 of AVX-512's rate, AVX2's 1/2 or more. */
#define WARN_BELOW .4

/* sgemm's rate on this thread. The first product makes the library's buffers. */
static double quick_sgemm_rate(void)
{
        enum { M = 64, N = 512, K = 256, PRODUCTS = 4 };
        float *a = calloc(M * K, sizeof *a), *b = calloc(N * K, sizeof *b);
        float *c = calloc(M * N, sizeof *c);
        double start = 0, took = 0;

        for (int i = 0; a && b && c && i <= PRODUCTS; i++) {
                if (i == 1)
                        start = thread_seconds();
                hap_blas_library.product(false, true, M, N, K, 1, a, K, b, K, 0, c, N);
        }
        took = thread_seconds() - start;
        free(a);
        free(b);
        free(c);
        return took > 0 ? 2. * M * N * K * PRODUCTS / took / 1e9 : 0;
}

const char *hap_blas_warning(void)
{
        static char text[160];
        const struct hap_blas_kernel kernel = hap_blas_kernel();
        double sgemm, registers;

        if (kernel.name && kernel.used >= kernel.processor)
                return NULL;
        sgemm = quick_sgemm_rate();
        registers = register_rate(kernel.processor, thread_seconds, .001);
        if (sgemm >= WARN_BELOW * registers)
                return NULL;
        snprintf(text, sizeof text, "a thread multiplies matrices at %.0f GFLOP/s of %.0f, with "
                 "%s's %.32s kernels: see hap-model --system", sgemm, registers,
                 hap_blas_library.name, kernel.name ? kernel.name : "own");
        return text;
}
