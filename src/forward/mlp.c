#include "forward/mlp.h"

#include <string.h>

#include "forward/activation.h"
#include "forward/blas.h"
#include "forward/experts.h"
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
                if (gradients && scratch->rules->activation_ratio)
                        hap_activate_ratio(config->activation, size, in, in, mlp->slope);
                else
                        hap_activate(config->activation, size, in, in,
                                     gradients ? mlp->slope : NULL);
                scale_hidden(config, mlp, size, in);
                return in;
        }
        hap_product_forward(scratch, hap_block_all(&layer->gate.weight), mlp->rows, mlp->x, d, 0,
                            gate, n);
        hap_scale_rows(mlp->rows, n, mlp->rstd, layer->gate.bias, gate, n);
        hap_gated_hidden(config, scratch->rules, size, in, gate, gradients ? mlp->slope : NULL,
                         gradients ? mlp->slope_gate : NULL);
        scale_hidden(config, mlp, size, in);
        return in;
}

int hap_mlp_alloc(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const size_t rows = (size_t)mlp->rows;
        const size_t hidden_rows = config->n_experts > 0 ? rows * (size_t)config->n_used : rows;
        const bool post = config->mlp_post_norm;

        mlp->mean = hap_scratch_alloc(scratch, rows, sizeof(float));
        mlp->rstd = hap_scratch_alloc(scratch, rows, sizeof(float));
        if (gradients)
                mlp->slope = hap_scratch_alloc(scratch, hidden_rows * config->d_mlp, sizeof(float));
        if (gradients && config->gated)
                mlp->slope_gate = hap_scratch_alloc(scratch, hidden_rows * config->d_mlp,
                                                    sizeof(float));
        if (post) {
                mlp->pre_norm = hap_scratch_alloc(scratch, rows * config->d_model, sizeof(float));
                mlp->pre_norm_mean = hap_scratch_alloc(scratch, rows, sizeof(float));
                mlp->pre_norm_rstd = hap_scratch_alloc(scratch, rows, sizeof(float));
        }
        return config->n_experts > 0 ? hap_experts_alloc(scratch, mlp, gradients)
                                     : scratch->error.code;
}

/* y = Wout hidden + bias. */
static int dense_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients, float *y)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_layer *layer = &scratch->engine->model->layers[mlp->layer];
        const int d = config->d_model, n = config->d_mlp, rows = mlp->rows;
        const float *h = hidden(scratch, mlp, gradients);

        if (h == NULL || scratch->counting)
                return scratch->error.code;
        hap_product_forward(scratch, hap_block_all(&layer->out.weight), rows, h, n, 0, y, d);
        if (layer->out.bias != NULL)
                for (int i = 0; i < rows; i++)
                        hap_add((size_t)d, layer->out.bias, y + (size_t)i * d);
        return HAP_OK;
}

int hap_mlp_forward(struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients,
                    float *out)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_layer *layer = &scratch->engine->model->layers[mlp->layer];
        const int d = config->d_model, rows = mlp->rows;
        const bool post = config->mlp_post_norm;
        int rc = hap_mlp_alloc(scratch, mlp, gradients);
        const size_t mark = scratch->used; /* the rest is freed by resetting the scratch */
        float *y = post ? mlp->pre_norm : out;

        if (rc < 0)
                return rc;
        if (!scratch->counting)
                hap_input_stats(config, rows, d, mlp->x, mlp->mean, mlp->rstd);
        rc = config->n_experts > 0 ? hap_experts_forward(scratch, mlp, gradients, y)
                                   : dense_forward(scratch, mlp, gradients, y);
        if (rc < 0)
                return rc;
        if (post && !scratch->counting) {
                hap_norm_stats(config, rows, d, y, mlp->pre_norm_mean, mlp->pre_norm_rstd);
                hap_norm_apply(&layer->mlp_post_norm, rows, d, y, mlp->pre_norm_mean,
                               mlp->pre_norm_rstd, out);
        }
        scratch->used = mark;
        return HAP_OK;
}

/* g = d loss / d x, before the pre-norm's own part. */
static int dense_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp,
                          const float *d_out, float *g)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_layer *layer = &scratch->engine->model->layers[mlp->layer];
        const int d = config->d_model, n = config->d_mlp, rows = mlp->rows;
        const size_t size = (size_t)rows * n;
        float *dh = hap_scratch_alloc(scratch, size, sizeof(*dh));
        float *dg = config->gated ? hap_scratch_alloc(scratch, size, sizeof(*dg)) : NULL;

        if (scratch->error.code < 0 || scratch->counting)
                return scratch->error.code;
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
        return HAP_OK;
}

int hap_mlp_backward(struct hap_scratch *scratch, const struct hap_mlp *mlp,
                     const float *d_out, float *g)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const struct hap_layer *layer = &scratch->engine->model->layers[mlp->layer];
        const int d = config->d_model, rows = mlp->rows;
        const size_t mark = scratch->used;
        float *dy = mlp->pre_norm != NULL
                            ? hap_scratch_alloc(scratch, (size_t)rows * d, sizeof(*dy)) : NULL;
        int rc = scratch->error.code;

        if (rc == 0 && dy != NULL && !scratch->counting)
                hap_norm_apply_backward(config, scratch->rules, &layer->mlp_post_norm, rows, d,
                                        mlp->pre_norm, mlp->pre_norm_mean, mlp->pre_norm_rstd, d_out, dy);
        if (dy != NULL)
                d_out = dy;
        if (rc == 0)
                rc = config->n_experts > 0 ? hap_experts_backward(scratch, mlp, d_out, g)
                                           : dense_backward(scratch, mlp, d_out, g);
        if (rc < 0)
                return rc;
        if (!scratch->counting)
                hap_input_backward(config, scratch->rules, rows, d, mlp->x, mlp->mean, mlp->rstd, g);
        scratch->used = mark;
        return HAP_OK;
}
