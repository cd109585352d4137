#include "unit.h"

#include "forward/blas_kernel.h"
#include "forward/blas_rate.h"

static const char *better(const char *chosen, enum hap_vectors processor)
{
        const char *name = hap_blas_better_kernel(chosen, processor);

        return name ? name : "none";
}

TEST("kernels with narrower vectors than the processor's are replaced, others are left alone")
{
        if (!hap_blas_library.variable) {
                CHECK_TEXT(better("generic", HAP_AVX512), "none");
                return;
        }
        CHECK_TEXT(better("Prescott", HAP_AVX512), "SkylakeX");
        CHECK_TEXT(better("Nehalem", HAP_AVX2_FMA), "Haswell");
        CHECK_TEXT(better("Sandybridge", HAP_AVX2_FMA), "Haswell");
        CHECK_TEXT(better("Zen", HAP_AVX512), "SkylakeX");
        CHECK_TEXT(better("Core2", HAP_AVX), "Sandybridge");
        CHECK_TEXT(better("Prescott", HAP_SSE), "none");
        CHECK_TEXT(better("SkylakeX", HAP_AVX512), "none");
        CHECK_TEXT(better("Cooperlake", HAP_AVX512), "none");
        CHECK_TEXT(better("sapphirerapids", HAP_AVX512), "none");
        CHECK_TEXT(better("Zen", HAP_AVX2_FMA), "none");
        CHECK_TEXT(better("Haswell", HAP_AVX), "none");
}

TEST("rates are positive")
{
        double sgemm = 0, registers = 0;

        hap_blas_rates(1, &sgemm, &registers);
        CHECK(sgemm > 0 && registers > 0);
}

RUN_TESTS
