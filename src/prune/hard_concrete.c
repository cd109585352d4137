#include "prune/hard_concrete.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline float float_of(uint32_t bits)
{
        float f;

        memcpy(&f, &bits, sizeof f);
        return f;
}

static inline uint32_t bits_of(float f)
{
        uint32_t bits;

        memcpy(&bits, &f, sizeof bits);
        return bits;
}

/* The functions below compare floats by their bits: integer comparisons have no side effects,
 * so that the loops vectorise. A NaN would get lost; adding x − x, which is 0 for every finite
 * x, restores it. */

/* ln x for normal x > 0: x = 2^e · m with m in [√½, √2), and
 * ln m = 2 atanh(t) = 2t (1 + t²/3 + t⁴/5 + …), t = (m − 1)/(m + 1). */
static inline float log_of(float x)
{
        uint32_t shifted = bits_of(x) - 0x3f3504f3u;
        int32_t e = (int32_t)shifted >> 23;
        float m = float_of((shifted & 0x007fffffu) + 0x3f3504f3u);
        float t = (m - 1) / (m + 1), t2 = t * t;
        float series = 1 + t2 * (1.f / 3 + t2 * (1.f / 5 + t2 * (1.f / 7 + t2 * (1.f / 9))));

        return (float)e * 0.693147181f + 2 * t * series + (x - x);
}

/* x limited to ±87. */
static inline float limited_of(float x)
{
        uint32_t bits = bits_of(x), size = bits & 0x7fffffffu;
        int32_t limit = 0x42ae0000; /* 87 */

        size = (int32_t)size > limit ? (uint32_t)limit : size;
        return float_of((bits & 0x80000000u) | size);
}

/* e^x, with x limited to ±87: x = n ln 2 + r, |r| ≤ ln 2 / 2, e^r by its Taylor series. Adding
 * 1.5 · 2^23 rounds to an integer and leaves it in the low bits. */
static inline float exp_of(float x)
{
        const float round = 12582912.f;
        float limited = limited_of(x), shifted = limited * 1.44269504f + round;
        float n = shifted - round;
        float r = limited - n * 0.693359375f + n * 2.12194440e-4f;
        float taylor = 1 + r * (1 + r * (1.f / 2 + r * (1.f / 6 + r * (1.f / 24 +
                       r * (1.f / 120 + r * (1.f / 720))))));

        return float_of(((bits_of(shifted) & 0x1ffu) + 127) << 23) * taylor + (x - x);
}

static const float width = (float)(HAP_CONCRETE_RIGHT - HAP_CONCRETE_LEFT);
static const float lower_end = (float)HAP_CONCRETE_LEFT;
static const float sharp = (float)(1 / HAP_CONCRETE_TEMPERATURE);

static inline float sigmoid_of(float u, float log_alpha)
{
        float logit = log_of(u) - log_of(1 - u);

        return 1 / (1 + exp_of(-(logit + log_alpha) * sharp));
}

/* x limited to [0, 1]. */
static inline float clip_to_unit(float x)
{
        int32_t bits = (int32_t)bits_of(x), one = 0x3f800000;

        bits = bits < 0 ? 0 : bits;
        bits = bits > one ? one : bits;
        return float_of((uint32_t)bits) + (x - x);
}

/* 1 where 0 < x < 1, else 0 (NaN: 0). */
static inline float is_inside_unit(float x)
{
        return bits_of(x) - 1 < 0x3f7fffffu ? 1.f : 0.f;
}

void hap_concrete_sample(size_t n, const float *u, const float *log_alpha,
                         float *z, float *slope)
{
        if (!slope) {
#pragma omp simd
                for (size_t i = 0; i < n; i++)
                        z[i] = clip_to_unit(width * sigmoid_of(u[i], log_alpha[i]) + lower_end);
                return;
        }
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                float s = sigmoid_of(u[i], log_alpha[i]);
                float stretched = width * s + lower_end;

                z[i] = clip_to_unit(stretched);
                slope[i] = is_inside_unit(stretched) * (width * s * (1 - s) * sharp) +
                           (stretched - stretched);
        }
}

void hap_concrete_uniform(size_t n, float *u)
{
        for (size_t i = 0; i < n; i++)
                u[i] = (float)HAP_CONCRETE_EPSILON +
                       (float)(1 - 2 * HAP_CONCRETE_EPSILON) * u[i];
}

void hap_concrete_bernoulli(size_t n, const float *u, const float *log_alpha, float *z)
{
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
                float logit = log_of(u[i]) - log_of(1 - u[i]) + log_alpha[i];

                z[i] = (logit > 0 ? 1.f : 0.f) + (logit - logit);
        }
}

static double logit_of_zero(void)
{
        return HAP_CONCRETE_TEMPERATURE * log(-HAP_CONCRETE_LEFT / HAP_CONCRETE_RIGHT);
}

double hap_concrete_open(double log_alpha)
{
        double closed = 1 / (1 + exp(log_alpha - logit_of_zero()));

        if (closed < HAP_CONCRETE_EPSILON)
                closed = HAP_CONCRETE_EPSILON;
        if (closed > 1 - HAP_CONCRETE_EPSILON)
                closed = 1 - HAP_CONCRETE_EPSILON;
        return 1 - closed;
}

double hap_concrete_log_open(double log_alpha)
{
        double x = logit_of_zero() - log_alpha;

        return x > 0 ? -x - log1p(exp(-x)) : -log1p(exp(x));
}

struct sorted_mask {
        float log_alpha;
        size_t index;
};

static int compare_smaller_first(const void *a, const void *b)
{
        const struct sorted_mask *x = a, *y = b;

        if (x->log_alpha != y->log_alpha)
                return x->log_alpha < y->log_alpha ? -1 : 1;
        return x->index > y->index ? -1 : x->index < y->index;
}

long hap_concrete_deterministic(size_t n, const float *log_alpha, float *mask)
{
        struct sorted_mask *order = calloc(n ? n : 1, sizeof *order);
        double open = 0;
        long closed;

        if (!order)
                return -1;
        for (size_t i = 0; i < n; i++) {
                double x = HAP_CONCRETE_FACTOR * log_alpha[i] / HAP_CONCRETE_TEMPERATURE;

                mask[i] = (float)(1 / (1 + exp(-x)));
                order[i] = (struct sorted_mask){log_alpha[i], i};
                open += hap_concrete_open(log_alpha[i]);
        }
        closed = isnan(open) ? 0 : (long)nearbyint((double)n - open);
        qsort(order, n, sizeof *order, compare_smaller_first);
        for (long i = 0; i < closed; i++)
                mask[order[i].index] = 0;
        free(order);
        return closed;
}
