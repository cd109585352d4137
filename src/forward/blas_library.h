/* What hap knows of the library whose sgemm it calls, which `make BLAS=...` chooses. Only
 * blas_library.c knows which one it is. */
#ifndef HAP_FORWARD_BLAS_LIBRARY_H
#define HAP_FORWARD_BLAS_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* Vectors of floats, from narrow to wide. */
enum hap_vectors { HAP_SSE, HAP_AVX, HAP_AVX2_FMA, HAP_AVX512, HAP_N_VECTORS };

/* A name that the library gives to its kernels, and their vectors. */
struct hap_blas_kernels {
        const char *name;
        enum hap_vectors vectors;
};

struct hap_blas_library {
        const char *name; /* "OpenBLAS" */
        /* sgemm of row-major matrices on the calling thread, as hap_gemm */
        void (*product)(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha,
                        const float *a, int lda, const float *b, int ldb, float beta, float *c,
                        int ldc);
        const char *(*version)(char *text, size_t size); /* text, or a constant */
        const char *(*kernels)(void); /* the name of those in use, or NULL: it does not say */
        void (*one_thread)(void); /* from now on it starts no threads; NULL: it never does */
        /* The environment variable with the number of threads that it starts when it is loaded.
         * NULL: it starts none then. */
        const char *threads;
        size_t memory; /* bytes that the library itself takes, more than OpenBLAS */
        const struct hap_blas_kernels *known; /* up to a NULL; kernels with other names: HAP_SSE */
        /* The environment variable that chooses the kernels when the library is loaded, and its
         * values for each width of vectors. NULL: there is none. */
        const char *variable;
        const char *best[HAP_N_VECTORS];
};

extern const struct hap_blas_library hap_blas_library;

#endif
