/* Which kernels the BLAS uses, and whether they use what the processor has. A BLAS that is older
 * than the processor may fall back to kernels for much older ones, and says nothing.
 *
 * Before main, a program whose library chose kernels with narrower vectors than the processor's
 * starts itself again with the library's environment variable set (OPENBLAS_CORETYPE), because
 * OpenBLAS chooses only once, when it is loaded. Nothing has been read or written by then, and
 * the process keeps its number. A variable that the user has set is left alone. */
#ifndef HAP_FORWARD_BLAS_KERNEL_H
#define HAP_FORWARD_BLAS_KERNEL_H

#include "forward/blas_library.h"

struct hap_blas_kernel {
        const char *name;     /* of the kernels in use; NULL: not known */
        const char *replaced; /* the kernels that the library chose itself, or NULL */
        enum hap_vectors used, processor; /* used: the processor's if not known */
};

/* To be called before the library is. A library that starts threads when it is loaded may ask for
 * a buffer for each of them without end, or end the program if they cannot start. They are not
 * used. Where memory is limited, the program starts again without them. */
void hap_blas_leave_out_threads(char **argv, char **environment);
/* To be called before main. */
void hap_blas_choose_kernel(char **argv);

struct hap_blas_kernel hap_blas_kernel(void);

/* The value of the library's variable for kernels with these vectors, if those that it chose
 * have narrower ones; otherwise NULL. */
const char *hap_blas_better_kernel(const char *chosen, enum hap_vectors processor);

#endif
