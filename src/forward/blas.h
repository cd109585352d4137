/* Products and sums of vectors and matrices. Matrices are row-major; lda, ldb and ldc are
 * their leading dimensions. Everything runs on the calling thread. */
#ifndef HAP_FORWARD_BLAS_H
#define HAP_FORWARD_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* C[m][n] = alpha · op(A)[m][k] · op(B)[k][n] + beta · C, by sgemm. */
void hap_gemm(bool transpose_a, bool transpose_b, int m, int n, int k,
              float alpha, const float *a, int lda, const float *b, int ldb,
              float beta, float *c, int ldc);

/* y[i] += x[i] */
void hap_add(size_t n, const float *x, float *y);
/* y[i] += a · x[i] */
void hap_axpy(size_t n, float a, const float *x, float *y);
/* Σ x[i] y[i], summed in 16 partial sums. */
float hap_dot(size_t n, const float *x, const float *y);

#endif
