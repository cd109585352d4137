/* How fast the BLAS is. */
#ifndef HAP_FORWARD_BLAS_REPORT_H
#define HAP_FORWARD_BLAS_REPORT_H

#include <stdbool.h>
#include <stdio.h>

/* Floating-point operations a second, in 1e9, of sgemm on `threads` threads at once: C[m][n] =
 * A[m][k] · op(B), for `seconds`, at least one product a thread. 0 if memory is short. */
double hap_blas_sgemm_rate(int threads, int m, int n, int k, bool transpose_b, double seconds);

/* Floating-point operations a second, in 1e9, on `threads` threads: of sgemm with the shape of
 * an MLP's product, and of multiplications and additions in registers, which no product can
 * exceed. Takes about half a second. */
void hap_blas_rates(int threads, double *sgemm, double *registers);

/* Writes the lines of hap-model --system. */
void hap_blas_report(int threads, FILE *out);

#endif
