#include "common/storage.h"

static const struct {
        const char *name;
        size_t block, bytes;
} kinds[HAP_STORED_KINDS] = {
        [HAP_STORED_OTHER] = {"other", 0, 0},
        [HAP_STORED_F32] = {"F32", 1, 4},
        [HAP_STORED_F16] = {"F16", 1, 2},
        [HAP_STORED_BF16] = {"BF16", 1, 2},
        [HAP_STORED_Q4_0] = {"Q4_0", 32, 18},
        [HAP_STORED_Q4_1] = {"Q4_1", 32, 20},
        [HAP_STORED_Q5_0] = {"Q5_0", 32, 22},
        [HAP_STORED_Q5_1] = {"Q5_1", 32, 24},
        [HAP_STORED_Q8_0] = {"Q8_0", 32, 34},
        [HAP_STORED_Q4_K] = {"Q4_K", 256, 144},
        [HAP_STORED_Q5_K] = {"Q5_K", 256, 176},
        [HAP_STORED_Q6_K] = {"Q6_K", 256, 210},
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
