#include "forward/sparse_kernels.h"

#include "forward/blas_kernel.h"

/* The vectors that the compiler may use everywhere. */
#define NAME(x) usual_##x
#define TARGET
#if defined(__AVX512F__)
#define LANES 16
#define WIDTH 4
#elif defined(__AVX__)
#define LANES 8
#define WIDTH 2
#else
#define LANES 4
#define WIDTH 2
#endif
#include "forward/sparse_template.h"

static const struct hap_sparse_kernels usual = {usual_product, usual_dots};

/* A portable build has kernels for wider ones, too. */
#if defined(__x86_64__) && !defined(__AVX512F__)
#define WIDER

#define NAME(x) avx2_##x
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define WIDTH 2
#include "forward/sparse_template.h"

#define NAME(x) avx512_##x
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define LANES 16
#define WIDTH 4
#include "forward/sparse_template.h"

static const struct hap_sparse_kernels wider[HAP_N_VECTORS] = {
        [HAP_AVX2_FMA] = {avx2_product, avx2_dots},
        [HAP_AVX512] = {avx512_product, avx512_dots},
};
#endif

const struct hap_sparse_kernels *hap_sparse_kernels(void)
{
#ifdef WIDER
        const struct hap_sparse_kernels *kernels = &wider[hap_blas_kernel().processor];

        if (kernels->product)
                return kernels;
#endif
        return &usual;
}
