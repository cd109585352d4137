/* How fast the BLAS is. */
#ifndef HAP_FORWARD_BLAS_RATE_H
#define HAP_FORWARD_BLAS_RATE_H

#include <stdbool.h>

/* Floating-point operations a second, in 1e9, of sgemm on `threads` threads at once: C[m][n] =
 * A[m][k] · op(B), for `seconds`, at least one product a thread. 0 if memory is short. */
double hap_blas_sgemm_rate(int threads, int m, int n, int k, bool transpose_b, double seconds);

/* Floating-point operations a second, in 1e9, on `threads` threads: of sgemm with the shape of
 * an MLP's product, and of multiplications and additions in registers, which no product can
 * exceed. Takes about half a second. */
void hap_blas_rates(int threads, double *sgemm, double *registers);

/* A warning for the end of a program: products run at less than two fifths of what the processor's
 * vectors allow. NULL if they do not, or, without a measurement, if the kernels are known to have
 * the processor's vectors. Measures for some milliseconds, in processor time, so that other running
 * programs do not matter. */
const char *hap_blas_warning(void);

#endif
