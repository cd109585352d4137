#include "forward/unembed.h"

#include <math.h>

#include "forward/activation.h"
#include "forward/blas.h"
#include "forward/norm.h"
#include "forward/product.h"

/* logits = scale (norm(x) Uᵀ + b), capped where the model caps them. */
int hap_unembed_forward(struct hap_scratch *scratch, struct hap_unembed *u)
{
        const struct hap_model *model = scratch->engine->model;
        const struct hap_config *config = &model->config;
        const int d = config->d_model, n = config->n_out;
        float *normed;
        size_t mark;

        u->mean = hap_scratch_alloc(scratch, (size_t)u->rows, sizeof(float));
        u->rstd = hap_scratch_alloc(scratch, (size_t)u->rows, sizeof(float));
        u->logits = hap_scratch_alloc(scratch, (size_t)u->rows * n, sizeof(float));
        mark = scratch->used;
        normed = hap_scratch_alloc(scratch, (size_t)u->rows * d, sizeof(float));
        if (scratch->error.code < 0)
                return scratch->error.code;
        if (scratch->counting) {
                scratch->used = mark;
                return HAP_OK;
        }
        hap_norm_stats(config, u->rows, d, u->x, u->mean, u->rstd);
        hap_norm_apply(&model->final_norm, u->rows, d, u->x, u->mean, u->rstd, normed);
        hap_product_forward(scratch, hap_block_all(&model->unembedding), u->rows, normed, d, 0,
                            u->logits, n);
        if (model->unembedding_bias != NULL)
                for (int i = 0; i < u->rows; i++)
                        hap_add((size_t)n, model->unembedding_bias, u->logits + (size_t)i * n);
        for (size_t i = 0; config->logit_scale != 1 && i < (size_t)u->rows * n; i++)
                u->logits[i] *= config->logit_scale;
        if (config->logit_cap > 0)
                hap_soft_cap((size_t)u->rows * n, config->logit_cap, u->logits);
        scratch->used = mark;
        return HAP_OK;
}

int hap_unembed_backward(struct hap_scratch *scratch, const struct hap_unembed *u,
                         const float *d_logits, float *g)
{
        const struct hap_model *model = scratch->engine->model;
        const struct hap_config *config = &model->config;
        const int d = config->d_model, n = config->n_out;
        const size_t size = (size_t)u->rows * n, mark = scratch->used;
        float *before = config->logit_cap > 0
                                ? hap_scratch_alloc(scratch, size, sizeof(*before)) : NULL;
        const float *dl = d_logits;

        if (scratch->error.code < 0)
                return scratch->error.code;
        if (scratch->counting) {
                scratch->used = mark;
                return HAP_OK;
        }
        if (before != NULL) {
                for (size_t i = 0; i < size; i++) {
                        const float share = u->logits[i] / config->logit_cap;

                        before[i] = d_logits[i] * (1 - share * share);
                }
                dl = before;
        }
        hap_product_backward(scratch, hap_block_all(&model->unembedding), u->rows, dl, n, 0, g, d);
        for (size_t i = 0; config->logit_scale != 1 && i < (size_t)u->rows * d; i++)
                g[i] *= config->logit_scale;
        hap_norm_apply_backward(config, scratch->rules, &model->final_norm, u->rows, d, u->x, u->mean,
                                u->rstd, g, g);
        scratch->used = mark;
        return HAP_OK;
}
