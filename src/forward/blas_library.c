#include "forward/blas_library.h"

#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void product(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha,
                    const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

#if defined(HAP_BLAS_onednn)
#include <dnnl.h>

static const char *version(char *text, size_t size)
{
        const dnnl_version_t *v = dnnl_version();

        snprintf(text, size, "%d.%d.%d", v->major, v->minor, v->patch);
        return text;
}

static const struct hap_blas_kernels known[] = {
        {"AVX", HAP_AVX}, {"AVX2", HAP_AVX2_FMA}, {"AVX-512", HAP_AVX512}, {NULL, HAP_SSE}};

/* The bits of an instruction set include those of the sets below it. */
static const char *kernels(void)
{
        const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();

        if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core)
                return "AVX-512";
        if ((isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2)
                return "AVX2";
        return (isa & dnnl_cpu_isa_avx) == dnnl_cpu_isa_avx ? "AVX" : "SSE4.1";
}

const struct hap_blas_library hap_blas_library = {
        .name = "oneDNN", .product = product, .version = version, .kernels = kernels,
        .memory = 9 << 20, .known = known};

/* oneDNN takes the threads of OpenMP, except within a parallel region. */
static void product(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha,
                    const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
        const int threads = omp_get_max_threads();

        omp_set_num_threads(1);
        if (dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, lda, b,
                       ldb, beta, c, ldc) != dnnl_success)
                for (int i = 0; i < m; i++) /* never with these arguments; NaN shows it */
                        memset(c + (size_t)i * ldc, 0xff, (size_t)n * sizeof *c);
        omp_set_num_threads(threads);
}

#else

#if defined(HAP_BLAS_mkl)
#include <mkl.h>

static const char *version(char *text, size_t size)
{
        MKLVersion v;

        mkl_get_version(&v);
        snprintf(text, size, "%d.%d.%d", v.MajorVersion, v.MinorVersion, v.UpdateVersion);
        return text;
}

static const struct hap_blas_kernels known[] = {{"AVX", HAP_AVX},
                                                {"AVX2", HAP_AVX2_FMA},
                                                {"AVX-512", HAP_AVX512},
                                                {NULL, HAP_SSE}};

/* "Intel(R) Advanced Vector Extensions 512 (Intel(R) AVX-512) enabled processors", or on other
 * makers' processors "Intel(R) Architecture processors". */
static const char *kernels(void)
{
        MKLVersion v;

        mkl_get_version(&v);
        for (size_t i = sizeof known / sizeof *known - 1; i-- > 0;)
                if (strstr(v.Processor, known[i].name))
                        return known[i].name;
        return NULL;
}

/* The sequential library is linked. */
const struct hap_blas_library hap_blas_library = {
        .name = "MKL", .product = product, .version = version, .kernels = kernels,
        .memory = 9 << 20, .known = known};

#elif defined(HAP_BLAS_blis)
#include <cblas.h>

/* From blis.h, which defines macros with common names. */
const char *bli_info_get_version_str(void);
int bli_arch_query_id(void);
const char *bli_arch_string(int id);
void bli_thread_set_num_threads(int64_t threads);

static const char *version(char *text, size_t size)
{
        (void)text;
        (void)size;
        return bli_info_get_version_str();
}

static const char *kernels(void)
{
        return bli_arch_string(bli_arch_query_id());
}

static void one_thread(void)
{
        bli_thread_set_num_threads(1);
}

static const struct hap_blas_kernels known[] = {
        {"sandybridge", HAP_AVX},  {"bulldozer", HAP_AVX},   {"piledriver", HAP_AVX},
        {"steamroller", HAP_AVX},  {"excavator", HAP_AVX},   {"haswell", HAP_AVX2_FMA},
        {"zen", HAP_AVX2_FMA},     {"zen2", HAP_AVX2_FMA},   {"zen3", HAP_AVX2_FMA},
        {"zen4", HAP_AVX512},      {"zen5", HAP_AVX512},     {"skx", HAP_AVX512},
        {"knl", HAP_AVX512},       {NULL, HAP_SSE},
};

const struct hap_blas_library hap_blas_library = {.name = "BLIS",
        .product = product, .version = version, .kernels = kernels, .one_thread = one_thread, .known = known};

#else
#include <cblas.h>

static const char *version(char *text, size_t size)
{
        const char *config = openblas_get_config(); /* "OpenBLAS 0.3.21 ..." */

        (void)text;
        (void)size;
        return strncmp(config, "OpenBLAS ", 9) == 0 ? config + 9 : config;
}

static const char *kernels(void)
{
        return openblas_get_corename();
}

static void one_thread(void)
{
        openblas_set_num_threads(1);
}

static const struct hap_blas_kernels known[] = {
        {"Sandybridge", HAP_AVX},   {"Bulldozer", HAP_AVX},    {"Piledriver", HAP_AVX},
        {"Steamroller", HAP_AVX},   {"Excavator", HAP_AVX},    {"Haswell", HAP_AVX2_FMA},
        {"Zen", HAP_AVX2_FMA},      {"SkylakeX", HAP_AVX512},  {"Cooperlake", HAP_AVX512},
        {"SapphireRapids", HAP_AVX512}, {NULL, HAP_SSE},
};

const struct hap_blas_library hap_blas_library = {
        .name = "OpenBLAS", .product = product, .version = version, .kernels = kernels, .one_thread = one_thread,
        .known = known, .variable = "OPENBLAS_CORETYPE",
        .threads = "OPENBLAS_NUM_THREADS",
        .best = {[HAP_AVX] = "Sandybridge", [HAP_AVX2_FMA] = "Haswell", [HAP_AVX512] = "SkylakeX"},
};

#endif

static void product(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha,
                    const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
        cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                    transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a,
                    lda, b, ldb, beta, c, ldc);
}

#endif
