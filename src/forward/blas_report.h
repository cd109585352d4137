/* What hap-model --system prints. */
#ifndef HAP_FORWARD_BLAS_REPORT_H
#define HAP_FORWARD_BLAS_REPORT_H

#include <stdio.h>

/* Writes the lines. Takes about half a second. */
void hap_blas_report(int threads, FILE *out);

#endif
