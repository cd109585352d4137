#include "forward/blas_report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forward/blas_kernel.h"
#include "forward/blas_rate.h"
#include "model/report.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const vector_names[] = {"SSE", "AVX", "AVX2 and FMA", "AVX-512"};

static bool has_leaf7(unsigned bit)
{
#if defined(__x86_64__)
        unsigned a, b, c, d = 0;

        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> bit & 1);
#else
        (void)bit;
        return false;
#endif
}

static void report_kernels(const struct hap_blas_kernel *kernel, FILE *out)
{
        const char *variable = hap_blas_library.variable, *vectors = vector_names[kernel->used];
        const bool asked = !kernel->replaced && variable && getenv(variable);
        const bool same = kernel->name && strcmp(kernel->name, vectors) == 0;

        if (!kernel->name)
                hap_report_line(out, "kernels", "%s does not say", hap_blas_library.name);
        else
                hap_report_line(out, "kernels", "%s%s%s%s%s%s%s%s", kernel->name,
                                same ? "" : ", with ", same ? "" : vectors,
                                kernel->replaced ? "; the library chose " : "",
                                kernel->replaced ? kernel->replaced : "", asked ? "; " : "",
                                asked ? variable : "", asked ? " is set" : "");
}

static void report_warning(const struct hap_blas_kernel *kernel, bool slow, FILE *out)
{
        const char *variable = hap_blas_library.variable;

        if (kernel->used < kernel->processor)
                hap_report_line(out, "warning", "the kernels have narrower vectors than the "
                                "processor; %s%s%sinstall a newer BLAS",
                                variable ? "unset " : "", variable ? variable : "",
                                variable ? ", or " : "");
        else if (slow)
                hap_report_line(out, "warning", "products run at less than a third of what the "
                                "processor can; is it busy?");
}

void hap_blas_report(int threads, FILE *out)
{
        enum { AMX_BF16 = 22 };
        const struct hap_blas_kernel kernel = hap_blas_kernel();
        double sgemm, registers;
        char version[128];

        hap_blas_rates(threads, &sgemm, &registers);
        hap_report_line(out, "processor", "%s%s, %ld cores", vector_names[kernel.processor],
                        has_leaf7(AMX_BF16) ? ", AMX with BF16" : "",
                        sysconf(_SC_NPROCESSORS_ONLN));
        hap_report_line(out, "BLAS", "%s %s", hap_blas_library.name,
                        hap_blas_library.version(version, sizeof version));
        report_kernels(&kernel, out);
        hap_report_line(out, "threads", "%d", threads);
        hap_report_line(out, "products", "%.0f GFLOP/s of %.0f in registers", sgemm, registers);
        report_warning(&kernel, 3 * sgemm < registers, out);
}
