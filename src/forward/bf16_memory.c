#include "common/number.h"
#include "forward/bf16.h"

const char *const hap_precisions[] = {"f32", "bf16", "auto", NULL};

/* The library itself, with the kernels that it makes. */
#define LIBRARY ((size_t)28 << 20)

/* Of k × n packed values: n is filled up to 64, k to 16. */
static size_t packed_bytes(size_t k, size_t n)
{
        return (k + 15) / 16 * 16 * ((n + 63) / 64 * 64) * sizeof(uint16_t);
}

static size_t both_bytes(size_t rows, size_t columns)
{
        return packed_bytes(rows, columns) + packed_bytes(columns, rows);
}

size_t hap_bf16_bytes(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        const size_t d = (size_t)c->d_model, dh = (size_t)c->d_head;
        const size_t heads = 2 * (size_t)c->n_heads + 2 * (size_t)c->n_kv_heads;
        const size_t layer = heads * both_bytes(dh, d) +
                             (c->gated ? 3 : 2) * both_bytes((size_t)c->d_mlp, d);
        const size_t layers = (size_t)(c->n_layers - model->layers_before - model->layers_after);

        return layers * layer + both_bytes((size_t)c->n_out, d) + LIBRARY;
}

size_t hap_bf16_thread_bytes(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        const size_t widest = hap_max(hap_max((size_t)c->n_out, (size_t)c->d_mlp),
                                      (size_t)c->d_model);

        return widest * (HAP_BF16_ROWS * sizeof(uint16_t) + 16 * sizeof(float)) +
               HAP_BF16_ROWS * (size_t)c->d_model * sizeof(float) + ((size_t)1 << 20);
}
