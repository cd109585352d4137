#include "forward/activation.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* exp(x) for f32, relative error below 2e-7, in plain arithmetic, so that the compiler
 * vectorises loops over it (the polynomial is that of Cephes' expf). Beyond ±87
 * the result stays finite or goes to about 1e-38; NaN stays NaN. */
static inline float fast_exp(float x)
{
        const float clipped = x > 88.0f ? 88.0f : (x < -87.0f ? -87.0f : x);
        const float shifted = clipped * 1.44269504088896341f + 12582912.0f;
        const float n = shifted - 12582912.0f;
        float r = clipped - n * 0.693359375f;
        float p = 1.9875691500e-4f;
        int32_t bits;
        float scale;

        r += n * 2.12194440e-4f;
        p = p * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        memcpy(&bits, &shifted, sizeof(bits));
        bits = (int32_t)((uint32_t)(bits + 127) << 23);
        memcpy(&scale, &bits, sizeof(scale));
        return (p * r * r + r + 1.0f) * scale;
}

static inline float sigmoid(float x)
{
        return 1.0f / (1.0f + fast_exp(-x));
}

/* Φ(x) of the normal distribution by Abramowitz and Stegun 7.1.26, error below 1e-7;
 * *density = φ(x). */
static inline float normal_cdf(float x, float *density)
{
        const float a = fabsf(x) * 0.70710678118654752f;
        const float t = 1.0f / (1.0f + 0.3275911f * a);
        const float e = fast_exp(-a * a);
        const float tail = 0.5f * e * t *
                (0.254829592f + t * (-0.284496736f + t * (1.421413741f +
                t * (-1.453152027f + t * 1.061405429f))));

        *density = 0.39894228040143268f * e;
        return x < 0 ? tail : 1.0f - tail;
}

static void gelu(size_t n, const float *x, float *value, float *slope)
{
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                const float v = x[i];
                float density;
                const float cdf = normal_cdf(v, &density);

                if (slope != NULL)
                        slope[i] = cdf + v * density;
                value[i] = v * cdf;
        }
}

/* ½ v (1 + tanh u) = v σ(2u), u = √(2/π) (v + 0.044715 v³). */
static void gelu_tanh(size_t n, const float *x, float *value, float *slope)
{
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                const float v = x[i];
                const float s = sigmoid(1.5957691216057308f * (v + 0.044715f * v * v * v));

                if (slope != NULL)
                        slope[i] = s + v * s * (1.0f - s) * 1.5957691216057308f *
                                               (1.0f + 0.134145f * v * v);
                value[i] = v * s;
        }
}

static void silu(size_t n, const float *x, float *value, float *slope)
{
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                const float v = x[i];
                const float s = sigmoid(v);

                if (slope != NULL)
                        slope[i] = s * (1.0f + v * (1.0f - s));
                value[i] = v * s;
        }
}

static void relu(size_t n, const float *x, float *value, float *slope)
{
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                const float v = x[i];

                if (slope != NULL)
                        slope[i] = v > 0 ? 1.0f : 0.0f;
                value[i] = v < 0 ? 0.0f : v; /* NaN stays */
        }
}

void hap_activate(enum hap_activation kind, size_t n, const float *x,
                  float *value, float *slope)
{
        switch (kind) {
        case HAP_GELU:
                gelu(n, x, value, slope);
                break;
        case HAP_GELU_TANH:
                gelu_tanh(n, x, value, slope);
                break;
        case HAP_RELU:
                relu(n, x, value, slope);
                break;
        case HAP_SILU:
                silu(n, x, value, slope);
                break;
        }
}

/* All activations here are x times a ratio: Φ(x), σ(…), or 0 or 1. */

static void gelu_ratio(size_t n, const float *x, float *value, float *slope)
{
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                const float v = x[i];
                float density;
                const float cdf = normal_cdf(v, &density);

                slope[i] = cdf;
                value[i] = v * cdf;
        }
}

static void sigmoid_ratio(enum hap_activation kind, size_t n, const float *x, float *value,
                          float *slope)
{
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                const float v = x[i];
                const float s = sigmoid(kind == HAP_SILU ? v : 1.5957691216057308f *
                                                                (v + 0.044715f * v * v * v));

                slope[i] = s;
                value[i] = v * s;
        }
}

void hap_activate_ratio(enum hap_activation kind, size_t n, const float *x,
                        float *value, float *slope)
{
        if (kind == HAP_RELU) /* its derivative is the ratio */
                relu(n, x, value, slope);
        else if (kind == HAP_GELU)
                gelu_ratio(n, x, value, slope);
        else
                sigmoid_ratio(kind, n, x, value, slope);
}

/* h = (u + 1) v σ(1.702 v), u = in limited to ±limit, v = gate limited to at most limit; in place
 * of `in`. slope = dh / d in, slope_gate = dh / d gate; as ratios they are v σ u / in and
 * (u + 1) σ v / gate. */
static void swiglu_limited(float limit, bool ratio, size_t n, float *in, const float *gate,
                           float *slope, float *slope_gate)
{
        const float alpha = 1.702f;

#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                const float v = gate[i] > limit ? limit : gate[i];
                const float u = in[i] > limit ? limit : in[i] < -limit ? -limit : in[i];
                const float s = sigmoid(alpha * v);

                if (slope != NULL && ratio) {
                        slope[i] = v * s * (u == in[i] ? 1.0f : u / in[i]);
                        slope_gate[i] = (u + 1.0f) * s * (v == gate[i] ? 1.0f : v / gate[i]);
                } else if (slope != NULL) {
                        slope[i] = u == in[i] ? v * s : 0.0f;
                        slope_gate[i] = v == gate[i]
                                                ? (u + 1.0f) * s * (1.0f + alpha * v * (1.0f - s))
                                                : 0.0f;
                }
                in[i] = (u + 1.0f) * v * s;
        }
}

static void halve(size_t n, float *slope, float *slope_gate)
{
        for (size_t i = 0; slope != NULL && i < n; i++) {
                slope[i] *= 0.5f;
                slope_gate[i] *= 0.5f;
        }
}

void hap_gated_hidden(const struct hap_config *config, const struct hap_rules *rules, size_t size,
                      float *in, float *gate, float *slope, float *slope_gate)
{
        if (config->swiglu_limit > 0) {
                swiglu_limited(config->swiglu_limit, rules->activation_ratio, size, in, gate,
                               slope, slope_gate);
                if (rules->gate_halves)
                        halve(size, slope, slope_gate);
                return;
        }
        if (slope != NULL && rules->activation_ratio)
                hap_activate_ratio(config->activation, size, gate, gate, slope_gate);
        else
                hap_activate(config->activation, size, gate, gate, slope_gate);
        if (slope != NULL) {
                memcpy(slope, gate, size * sizeof(*gate));
                for (size_t i = 0; i < size; i++)
                        slope_gate[i] *= in[i];
        }
        if (rules->gate_halves)
                halve(size, slope, slope_gate);
        for (size_t i = 0; i < size; i++)
                in[i] *= gate[i];
}

void hap_soft_cap(size_t n, float cap, float *x)
{
        for (size_t i = 0; i < n; i++)
                x[i] = cap * tanhf(x[i] / cap);
}

void hap_softmax(int n, float *row)
{
        float max = row[0], total = 0;

        for (int i = 1; i < n; i++)
                max = row[i] > max ? row[i] : max;
        for (int i = 0; i < n; i++)
                row[i] = fast_exp(row[i] - max);
        for (int i = 0; i < n; i++)
                total += row[i];
        for (int i = 0; i < n; i++)
                row[i] /= total;
}

void hap_softmax_sink(int n, float *row, float sink)
{
        float max = sink, total = 0;

        for (int i = 0; i < n; i++)
                max = row[i] > max ? row[i] : max;
        for (int i = 0; i < n; i++)
                row[i] = fast_exp(row[i] - max);
        for (int i = 0; i < n; i++)
                total += row[i];
        total += fast_exp(sink - max);
        for (int i = 0; i < n; i++)
                row[i] /= total;
}
