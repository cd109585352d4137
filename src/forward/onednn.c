#include "forward/onednn.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef HAP_ONEDNN

#if DNNL_VERSION_MAJOR != 2
#error "hap knows oneDNN 2.x; make ONEDNN=0 builds without it"
#endif
#define LIBRARY "libdnnl.so.2"

static struct hap_onednn functions;
static bool loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        bool all = library != NULL;

#define LOAD(name)                                                                                 \
        if (all) {                                                                                 \
                *(void **)&functions.name = dlsym(library, "dnnl_" #name);                         \
                all = functions.name != NULL;                                                      \
        }
        HAP_ONEDNN_FUNCTIONS(LOAD)
        loaded = all;
}

const struct hap_onednn *hap_onednn(void)
{
        pthread_once(&once, load);
        return loaded ? &functions : NULL;
}

enum hap_bf16_support hap_bf16_support(void)
{
        const struct hap_onednn *library = hap_onednn();
        unsigned isa;

        if (library == NULL)
                return HAP_BF16_NONE;
        isa = (unsigned)library->get_effective_cpu_isa();
        if ((isa & dnnl_cpu_isa_avx512_core_amx) == dnnl_cpu_isa_avx512_core_amx)
                return HAP_BF16_AMX;
        if ((isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16)
                return HAP_BF16_AVX512;
        return (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core ? HAP_BF16_EMULATED
                                                                          : HAP_BF16_NONE;
}

const char *hap_bf16_missing(void)
{
        if (hap_onednn() == NULL)
                return LIBRARY " (oneDNN) cannot be loaded";
        return hap_bf16_support() == HAP_BF16_NONE ? "oneDNN has no BF16 products without AVX-512"
                                                   : NULL;
}

const char *hap_bf16_description(void)
{
        static const char *const names[] = {"", "AVX-512 without BF16: slower than F32",
                                            "AVX512-BF16", "AMX-BF16"};
        static char text[96];
        const char *missing = hap_bf16_missing();
        const dnnl_version_t *version;

        if (missing != NULL)
                return missing;
        version = hap_onednn()->version();
        snprintf(text, sizeof text, "oneDNN %d.%d.%d, %s", version->major, version->minor,
                 version->patch, names[hap_bf16_support()]);
        return text;
}

#else

enum hap_bf16_support hap_bf16_support(void)
{
        return HAP_BF16_NONE;
}

const char *hap_bf16_missing(void)
{
        return "this hap was built without oneDNN";
}

const char *hap_bf16_description(void)
{
        return hap_bf16_missing();
}

#endif
