#include "common/storage.h"

static const struct {
        const char *name;
        size_t block, bytes;
} kinds[HAP_STORED_KINDS] = {
        [HAP_STORED_OTHER] = {"other", 0, 0},
        [HAP_STORED_F32] = {"F32", 1, 4},
        [HAP_STORED_F16] = {"F16", 1, 2},
        [HAP_STORED_BF16] = {"BF16", 1, 2},
        [HAP_STORED_F64] = {"F64", 1, 8},
        [HAP_STORED_Q4_0] = {"Q4_0", 32, 18},
        [HAP_STORED_Q4_1] = {"Q4_1", 32, 20},
        [HAP_STORED_Q5_0] = {"Q5_0", 32, 22},
        [HAP_STORED_Q5_1] = {"Q5_1", 32, 24},
        [HAP_STORED_Q8_0] = {"Q8_0", 32, 34},
        [HAP_STORED_Q4_K] = {"Q4_K", 256, 144},
        [HAP_STORED_Q5_K] = {"Q5_K", 256, 176},
        [HAP_STORED_Q6_K] = {"Q6_K", 256, 210},
        [HAP_STORED_Q2_K] = {"Q2_K", 256, 84},
        [HAP_STORED_Q3_K] = {"Q3_K", 256, 110},
        [HAP_STORED_IQ2_XXS] = {"IQ2_XXS", 256, 66},
        [HAP_STORED_IQ2_XS] = {"IQ2_XS", 256, 74},
        [HAP_STORED_IQ3_XXS] = {"IQ3_XXS", 256, 98},
        [HAP_STORED_IQ1_S] = {"IQ1_S", 256, 50},
        [HAP_STORED_IQ4_NL] = {"IQ4_NL", 32, 18},
        [HAP_STORED_IQ3_S] = {"IQ3_S", 256, 110},
        [HAP_STORED_IQ2_S] = {"IQ2_S", 256, 82},
        [HAP_STORED_IQ4_XS] = {"IQ4_XS", 256, 136},
        [HAP_STORED_IQ1_M] = {"IQ1_M", 256, 56},
        [HAP_STORED_TQ1_0] = {"TQ1_0", 256, 54},
        [HAP_STORED_TQ2_0] = {"TQ2_0", 256, 66},
        [HAP_STORED_MXFP4] = {"MXFP4", 32, 17},
        [HAP_STORED_MXFP4_APART] = {"MXFP4", 32, 16},
};

size_t hap_storage_block(int kind)
{
        return kinds[kind].block;
}

size_t hap_storage_block_bytes(int kind)
{
        return kinds[kind].bytes;
}

const char *hap_storage_name(int kind)
{
        return kinds[kind].name;
}
