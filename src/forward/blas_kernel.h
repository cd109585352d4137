/* Which kernels the BLAS uses, and whether they use what the processor has. A BLAS that is older
 * than the processor may fall back to kernels for much older ones, and says nothing.
 *
 * Before main, a program whose OpenBLAS chose kernels with narrower vectors than the processor's
 * starts itself again with OPENBLAS_CORETYPE set, because OpenBLAS chooses only once, when it is
 * loaded. Nothing has been read or written by then, and the process keeps its number. A user's
 * own OPENBLAS_CORETYPE is left alone. */
#ifndef HAP_FORWARD_BLAS_KERNEL_H
#define HAP_FORWARD_BLAS_KERNEL_H

/* Vectors of floats, from narrow to wide. */
enum hap_vectors { HAP_SSE, HAP_AVX, HAP_AVX2_FMA, HAP_AVX512 };

struct hap_blas_kernel {
        const char *library;         /* "OpenBLAS 0.3.21 …", or NULL: it does not say */
        const char *name;            /* of the kernels in use, or NULL */
        const char *replaced;        /* the kernels that the library chose itself, or NULL */
        enum hap_vectors used, processor;
};

/* To be called before main. */
void hap_blas_choose_kernel(char **argv);

struct hap_blas_kernel hap_blas_kernel(void);

/* The name of the kernels with these vectors, for OPENBLAS_CORETYPE, if those that OpenBLAS
 * chose have narrower ones; otherwise NULL. */
const char *hap_blas_better_kernel(const char *chosen, enum hap_vectors processor);

#endif
