/* The buffers in which OpenBLAS packs matrices. */
#ifndef HAP_FORWARD_BLAS_MEMORY_H
#define HAP_FORWARD_BLAS_MEMORY_H

#include "common/error.h"

/* Makes OpenBLAS allocate the buffers that `threads` threads need at the same time. If it cannot
 * get one in the middle of a product, OpenBLAS asks for it again without end, for example under
 * ulimit -v. Call it before the threads run. With another library it does nothing.
 *
 * HAP_ESYSTEM: there is not enough address space; the message says how much is needed. */
int hap_blas_reserve(int threads, struct hap_error *err);

#endif
