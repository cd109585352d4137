/* oneDNN's C interface, loaded when it is first needed: a library of 40 MB, which would make
 * every program start slower. Built without its header (HAP_ONEDNN undefined), there is none. */
#ifndef HAP_FORWARD_ONEDNN_H
#define HAP_FORWARD_ONEDNN_H

/* How oneDNN multiplies BF16 matrices on this processor. */
enum hap_bf16_support {
        HAP_BF16_NONE,     /* not at all */
        HAP_BF16_EMULATED, /* without instructions for it, slower than in F32 */
        HAP_BF16_AVX512,   /* AVX512-BF16 */
        HAP_BF16_AMX,      /* AMX-BF16 */
};

/* Within the limit that ONEDNN_MAX_CPU_ISA sets. */
enum hap_bf16_support hap_bf16_support(void);
/* Why there is none, or NULL. */
const char *hap_bf16_missing(void);
/* What does the products and how: "oneDNN 2.6.3, AVX512-BF16", or the reason above. */
const char *hap_bf16_description(void);

#ifdef HAP_ONEDNN
#include <oneapi/dnnl/dnnl.h>

#define HAP_ONEDNN_FUNCTIONS(F)                                                                    \
        F(version)                                                                                 \
        F(get_effective_cpu_isa)                                                                   \
        F(engine_create)                                                                           \
        F(engine_destroy)                                                                          \
        F(stream_create)                                                                           \
        F(stream_destroy)                                                                          \
        F(memory_create)                                                                           \
        F(memory_destroy)                                                                          \
        F(memory_desc_init_by_tag)                                                                 \
        F(memory_desc_init_by_strides)                                                             \
        F(memory_desc_get_size)                                                                    \
        F(matmul_desc_init)                                                                        \
        F(primitive_attr_create)                                                                   \
        F(primitive_attr_destroy)                                                                  \
        F(primitive_attr_set_scratchpad_mode)                                                      \
        F(primitive_attr_set_post_ops)                                                             \
        F(post_ops_create)                                                                         \
        F(post_ops_destroy)                                                                        \
        F(post_ops_append_sum)                                                                     \
        F(primitive_desc_create)                                                                   \
        F(primitive_desc_destroy)                                                                  \
        F(primitive_desc_query_md)                                                                 \
        F(reorder_primitive_desc_create)                                                           \
        F(primitive_create)                                                                        \
        F(primitive_execute)                                                                       \
        F(primitive_destroy)

struct hap_onednn {
#define HAP_ONEDNN_MEMBER(name) __typeof__(&dnnl_##name) name;
        HAP_ONEDNN_FUNCTIONS(HAP_ONEDNN_MEMBER)
#undef HAP_ONEDNN_MEMBER
};

/* NULL: it cannot be loaded (hap_bf16_missing says why). */
const struct hap_onednn *hap_onednn(void);
#endif

#endif
