#include "forward/blas.h"

#include "common/program.h"
#include "forward/blas_kernel.h"
#include "forward/blas_library.h"
#include "forward/blas_rate.h"

/* Here, so that every program with products has it. */
__attribute__((constructor)) static void begin(int argc, char **argv)
{
        (void)argc;
        hap_blas_choose_kernel(argv);
}

/* Before the constructors of the libraries, one of which starts threads. */
static void begin_first(int argc, char **argv, char **environment)
{
        (void)argc;
        hap_blas_leave_out_threads(argv, environment);
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) =
        begin_first;

void hap_gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
              float alpha, const float *a, int lda, const float *b, int ldb,
              float beta, float *c, int ldc)
{
        static bool used;

        if (m == 0 || n == 0)
                return;
        if (!__atomic_load_n(&used, __ATOMIC_RELAXED)) {
                __atomic_store_n(&used, true, __ATOMIC_RELAXED);
                hap_program_warn_by(hap_blas_warning);
        }
        hap_blas_library.product(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c,
                                 ldc);
}

void hap_add(size_t n, const float *x, float *y)
{
        for (size_t i = 0; i < n; i++)
                y[i] += x[i];
}

void hap_axpy(size_t n, float a, const float *x, float *y)
{
        for (size_t i = 0; i < n; i++)
                y[i] += a * x[i];
}

float hap_dot(size_t n, const float *x, const float *y)
{
        float part[16] = {0};
        double total = 0;
        size_t i = 0;

        for (; i + 16 <= n; i += 16)
                for (int j = 0; j < 16; j++)
                        part[j] += x[i + j] * y[i + j];
        for (int j = 0; i + j < n; j++)
                part[j] += x[i + j] * y[i + j];
        for (int j = 0; j < 16; j++)
                total += part[j];
        return (float)total;
}
