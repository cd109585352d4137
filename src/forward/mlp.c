#include "forward/mlp.h"

#include <string.h>

#include "forward/activation.h"
#include "forward/blas.h"
#include "forward/norm.h"
#include "forward/product.h"

/* Scales the hidden values instead of the output, with their slopes. */
static void scale_hidden(const struct hap_config *config, struct hap_mlp *mlp, size_t size, float *h)
{
        const float scale = config->residual_scale;

        for (size_t i = 0; scale != 1 && i < size; i++) {
                h[i] *= scale;
                if (mlp->slope != NULL)
                        mlp->slope[i] *= scale;
                if (mlp->slope_gate != NULL)
                        mlp->slope_gate[i] *= scale;
        }
}

/* act(x) of `size` values, in place, and its slope by the rules of the run unless that is NULL. */
static void activate(const struct hap_scratch *scratch, size_t size, float *x, float *slope)
{
        const enum hap_activation kind = scratch->engine->model->config.activation;

        if (slope != NULL && scratch->rules->activation_ratio)
                hap_activate_ratio(kind, size, x, x, slope);
        else
                hap_activate(kind, size, x, x, slope);
}

/* hidden = act(gate) · in: in place of `in`, with its slopes. gate: act(gate). */
static void multiply_gate(const struct hap_scratch *scratch, struct hap_mlp *mlp, size_t size,
                          float *in, const float *gate, bool gradients)
{
        if (gradients) {
                memcpy(mlp->slope, gate, size * sizeof(*gate));
                for (size_t i = 0; i < size; i++)
                        mlp->slope_gate[i] *= in[i];
        }
        for (size_t i = 0; gradients && scratch->rules->gate_halves && i < size; i++) {
                mlp->slope[i] *= 0.5f;
                mlp->slope_gate[i] *= 0.5f;
        }
        for (size_t i = 0; i < size; i++)
                in[i] *= gate[i];
}

/* in, gate = rstd (x Wᵀ) + b; hidden = act(in), or act(gate) · in when gated. */
static float *hidden(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_layer *layer = &scratch->engine->model->layers[mlp->layer];
        const int d = config->d_model, n = config->d_mlp;
        const size_t size = (size_t)mlp->rows * n;
        float *in = hap_scratch_alloc(scratch, size, sizeof(*in));
        float *gate = config->gated ? hap_scratch_alloc(scratch, size, sizeof(*gate)) : NULL;

        if (in == NULL || (config->gated && gate == NULL))
                return NULL;
        if (scratch->counting)
                return in;
        hap_product_forward(scratch, hap_block_all(&layer->in.weight), mlp->rows, mlp->x, d, 0, in,
                            n);
        hap_scale_rows(mlp->rows, n, mlp->rstd, layer->in.bias, in, n);
        if (!config->gated) {
                activate(scratch, size, in, gradients ? mlp->slope : NULL);
                scale_hidden(config, mlp, size, in);
                return in;
        }
        hap_product_forward(scratch, hap_block_all(&layer->gate.weight), mlp->rows, mlp->x, d, 0,
                            gate, n);
        hap_scale_rows(mlp->rows, n, mlp->rstd, layer->gate.bias, gate, n);
        activate(scratch, size, gate, gradients ? mlp->slope_gate : NULL);
        multiply_gate(scratch, mlp, size, in, gate, gradients);
        scale_hidden(config, mlp, size, in);
        return in;
}

/* Allocates what outlives the call first; the rest can then be freed by resetting the
 * scratch. */
static int alloc_mlp(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const size_t rows = (size_t)mlp->rows;
        const bool post = config->mlp_post_norm;

        mlp->mean = hap_scratch_alloc(scratch, rows, sizeof(float));
        mlp->rstd = hap_scratch_alloc(scratch, rows, sizeof(float));
        if (gradients)
                mlp->slope = hap_scratch_alloc(scratch, rows * config->d_mlp, sizeof(float));
        if (gradients && config->gated)
                mlp->slope_gate = hap_scratch_alloc(scratch, rows * config->d_mlp, sizeof(float));
        if (post) {
                mlp->pre_norm = hap_scratch_alloc(scratch, rows * config->d_model, sizeof(float));
                mlp->pre_norm_mean = hap_scratch_alloc(scratch, rows, sizeof(float));
                mlp->pre_norm_rstd = hap_scratch_alloc(scratch, rows, sizeof(float));
        }
        return scratch->error.code;
}

int hap_mlp_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients,
                    float *out)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_layer *layer = &scratch->engine->model->layers[mlp->layer];
        const int d = config->d_model, n = config->d_mlp, rows = mlp->rows;
        const bool post = config->mlp_post_norm;
        int rc = alloc_mlp(scratch, mlp, gradients);
        const size_t mark = scratch->used;
        float *h, *y = post ? mlp->pre_norm : out;

        if (rc < 0)
                return rc;
        if (!scratch->counting)
                hap_input_stats(config, rows, d, mlp->x, mlp->mean, mlp->rstd);
        h = hidden(scratch, mlp, gradients);
        if (h == NULL)
                return scratch->error.code;
        if (scratch->counting) {
                scratch->used = mark;
                return HAP_OK;
        }
        hap_product_forward(scratch, hap_block_all(&layer->out.weight), rows, h, n, 0, y, d);
        if (layer->out.bias != NULL)
                for (int i = 0; i < rows; i++)
                        hap_add((size_t)d, layer->out.bias, y + (size_t)i * d);
        if (post) {
                hap_norm_stats(config, rows, d, y, mlp->pre_norm_mean, mlp->pre_norm_rstd);
                hap_norm_apply(&layer->mlp_post_norm, rows, d, y, mlp->pre_norm_mean,
                               mlp->pre_norm_rstd, out);
        }
        scratch->used = mark;
        return HAP_OK;
}

int hap_mlp_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp,
                     const float *d_out, float *g)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_layer *layer = &scratch->engine->model->layers[mlp->layer];
        const int d = config->d_model, n = config->d_mlp, rows = mlp->rows;
        const size_t size = (size_t)rows * n, mark = scratch->used;
        float *dh = hap_scratch_alloc(scratch, size, sizeof(*dh));
        float *dg = config->gated ? hap_scratch_alloc(scratch, size, sizeof(*dg)) : NULL;
        float *dy = mlp->pre_norm != NULL
                            ? hap_scratch_alloc(scratch, (size_t)rows * d, sizeof(*dy)) : NULL;

        if (scratch->error.code < 0)
                return scratch->error.code;
        if (scratch->counting) {
                scratch->used = mark;
                return HAP_OK;
        }
        if (dy != NULL) {
                hap_norm_apply_backward(config, scratch->rules, &layer->mlp_post_norm, rows, d,
                                        mlp->pre_norm, mlp->pre_norm_mean, mlp->pre_norm_rstd, d_out, dy);
                d_out = dy;
        }
        hap_product_backward(scratch, hap_block_all(&layer->out.weight), rows, d_out, d, 0, dh, n);
        if (config->gated) {
                for (size_t i = 0; i < size; i++)
                        dg[i] = dh[i] * mlp->slope_gate[i];
                hap_scale_rows(rows, n, mlp->rstd, NULL, dg, n);
        }
        for (size_t i = 0; i < size; i++)
                dh[i] *= mlp->slope[i];
        hap_scale_rows(rows, n, mlp->rstd, NULL, dh, n);
        hap_product_backward(scratch, hap_block_all(&layer->in.weight), rows, dh, n, 0, g, d);
        if (config->gated)
                hap_product_backward(scratch, hap_block_all(&layer->gate.weight), rows, dg, n, 1, g,
                                     d);
        hap_input_backward(config, scratch->rules, rows, d, mlp->x, mlp->mean, mlp->rstd, g);
        scratch->used = mark;
        return HAP_OK;
}
