#include "prune/optimiser.h"

#include <math.h>

struct hap_adamw hap_adamw_default(double rate)
{
        return (struct hap_adamw){.rate = rate,
                                  .beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .epsilon = 1e-8,
                                  .weight_decay = 0.01};
}

void hap_adamw_step(const struct hap_adamw *adamw, long step, double factor,
                    size_t n, const float *gradient, float *mean, float *square,
                    float *value)
{
        double rate = adamw->rate * factor;
        const float shrink = (float)(1 - rate * adamw->weight_decay);
        const float new1 = (float)(1 - adamw->beta1), new2 = (float)(1 - adamw->beta2);
        const float old2 = (float)adamw->beta2, epsilon = (float)adamw->epsilon;
        const float size = (float)(rate / (1 - pow(adamw->beta1, (double)step)));
        const float root = (float)sqrt(1 - pow(adamw->beta2, (double)step));
        const float sign = adamw->maximise ? -1 : 1;

        for (size_t i = 0; i < n; i++) {
                float g = sign * gradient[i];

                mean[i] += new1 * (g - mean[i]);
                square[i] = old2 * square[i] + new2 * g * g;
                value[i] = value[i] * shrink -
                           size * mean[i] / (sqrtf(square[i]) / root + epsilon);
        }
}

double hap_rate_factor(long step, long warmup, long total)
{
        if (step < warmup)
                return (double)step / (double)warmup;
        if (step >= total)
                return 0;
        return (double)(total - step) / (double)(total - warmup);
}

double hap_norm_factor(double squares, double limit)
{
        double factor;

        if (limit <= 0)
                return 1;
        factor = limit / (sqrt(squares) + 1e-6);
        return factor < 1 ? factor : isnan(factor) ? factor : 1;
}
