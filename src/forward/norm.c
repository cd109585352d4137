#include "forward/norm.h"

#include <math.h>

/* Sums use LANES partial sums: the compiler vectorises them, and their order is fixed. */
#define LANES 16

static float sum(int n, const float *x)
{
        float part[LANES] = {0};
        float total = 0;
        int i = 0;

        for (; i + LANES <= n; i += LANES)
                for (int j = 0; j < LANES; j++)
                        part[j] += x[i + j];
        for (int j = 0; i + j < n; j++)
                part[j] += x[i + j];
        for (int j = 0; j < LANES; j++)
                total += part[j];
        return total;
}

static float centred_square(int n, const float *x, float mean)
{
        float part[LANES] = {0};
        float total = 0;
        int i = 0;

        for (; i + LANES <= n; i += LANES)
                for (int j = 0; j < LANES; j++)
                        part[j] += (x[i + j] - mean) * (x[i + j] - mean);
        for (int j = 0; i + j < n; j++)
                part[j] += (x[i + j] - mean) * (x[i + j] - mean);
        for (int j = 0; j < LANES; j++)
                total += part[j];
        return total;
}

static float centred_dot(int n, const float *g, const float *x, float mean)
{
        float part[LANES] = {0};
        float total = 0;
        int i = 0;

        for (; i + LANES <= n; i += LANES)
                for (int j = 0; j < LANES; j++)
                        part[j] += g[i + j] * (x[i + j] - mean);
        for (int j = 0; i + j < n; j++)
                part[j] += g[i + j] * (x[i + j] - mean);
        for (int j = 0; j < LANES; j++)
                total += part[j];
        return total;
}

void hap_norm_stats(const struct hap_config *config, int rows, int d,
                    const float *x, float *mean, float *rstd)
{
        for (int i = 0; i < rows; i++) {
                const float *row = x + (size_t)i * d;

                mean[i] = 0;
                rstd[i] = 1;
                if (config->norm == HAP_NORM_NONE)
                        continue;
                if (config->norm == HAP_NORM_LAYER)
                        mean[i] = sum(d, row) / (float)d;
                rstd[i] = 1 / sqrtf(centred_square(d, row, mean[i]) / (float)d +
                                    config->norm_eps);
        }
}

void hap_input_stats(const struct hap_config *config, int rows, int d,
                     const float *x, float *mean, float *rstd)
{
        if (config->pre_norm) {
                hap_norm_stats(config, rows, d, x, mean, rstd);
                return;
        }
        for (int i = 0; i < rows; i++) {
                mean[i] = 0;
                rstd[i] = 1;
        }
}

void hap_scale_rows(int rows, int n, const float *rstd, const float *bias,
                    float *y, int ldy)
{
        for (int i = 0; i < rows; i++) {
                float *row = y + (size_t)i * ldy;
                const float scale = rstd[i];

                if (bias != NULL)
                        for (int o = 0; o < n; o++)
                                row[o] = scale * row[o] + bias[o];
                else
                        for (int o = 0; o < n; o++)
                                row[o] *= scale;
        }
}

void hap_norm_backward(const struct hap_config *config, const struct hap_rules *rules,
                       int rows, int d, const float *x, const float *mean, const float *rstd,
                       float *g)
{
        if (config->norm == HAP_NORM_NONE || rules->constant_scale)
                return;
        for (int i = 0; i < rows; i++) {
                const float *row = x + (size_t)i * d;
                float *out = g + (size_t)i * d;
                const float m = mean[i];
                const float c = rstd[i] * rstd[i] / (float)d *
                                centred_dot(d, out, row, m);

                for (int j = 0; j < d; j++)
                        out[j] -= c * (row[j] - m);
        }
}

void hap_input_backward(const struct hap_config *config, const struct hap_rules *rules,
                        int rows, int d, const float *x, const float *mean, const float *rstd,
                        float *g)
{
        if (config->pre_norm)
                hap_norm_backward(config, rules, rows, d, x, mean, rstd, g);
}

void hap_norm_apply(const struct hap_norm *norm, int rows, int d, const float *x,
                    const float *mean, const float *rstd, float *y)
{
        for (int i = 0; i < rows; i++) {
                const float *in = x + (size_t)i * d;
                float *out = y + (size_t)i * d;

                for (int j = 0; j < d; j++) {
                        float normed = (in[j] - mean[i]) * rstd[i];

                        if (norm->gain != NULL)
                                normed *= norm->gain[j];
                        out[j] = norm->bias != NULL ? normed + norm->bias[j] : normed;
                }
        }
}

void hap_norm_apply_backward(const struct hap_config *config, const struct hap_rules *rules,
                             const struct hap_norm *norm, int rows, int d,
                             const float *x, const float *mean, const float *rstd,
                             const float *dy, float *dx)
{
        for (int i = 0; i < rows; i++) {
                const float *in = dy + (size_t)i * d;
                float *out = dx + (size_t)i * d;
                float centre = 0;

                for (int j = 0; j < d; j++)
                        out[j] = rstd[i] * in[j] * (norm->gain != NULL ? norm->gain[j] : 1);
                if (config->norm != HAP_NORM_LAYER)
                        continue;
                centre = sum(d, out) / (float)d;
                for (int j = 0; j < d; j++)
                        out[j] -= centre;
        }
        hap_norm_backward(config, rules, rows, d, x, mean, rstd, dx);
}
