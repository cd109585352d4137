/* AdamW (Loshchilov and Hutter 2019) as torch.optim.AdamW computes it, the
 * learning rate's schedule, and the norm's limit. */
#ifndef HAP_PRUNE_OPTIMISER_H
#define HAP_PRUNE_OPTIMISER_H

#include <stdbool.h>
#include <stddef.h>

struct hap_adamw {
        double rate;
        double beta1, beta2, epsilon, weight_decay;
        bool maximise; /* climb instead of descend */
};

/* β .9 and .999, ε 1e-8, weight decay .01, as torch's defaults. */
struct hap_adamw hap_adamw_default(double rate);

/* One step, the `step`-th counted from 1, on n values. mean and square are the
 * running moments ([n], zero before the first step). Decay is decoupled:
 *
 *      value ← value · (1 − rate · decay) − rate / (1 − β1^step) · mean
 *                       / (sqrt(square / (1 − β2^step)) + ε)                */
void hap_adamw_step(const struct hap_adamw *adamw, long step, double factor,
                    size_t n, const float *gradient, float *mean, float *square,
                    float *value);

/* The factor of the learning rate at a step counted from 0: rises linearly
 * over `warmup` steps from 0, then falls linearly to 0 at `total`. */
double hap_rate_factor(long step, long warmup, long total);

/* What gradients whose squares sum to `squares` are to be multiplied with so
 * that their norm is at most `limit` (0: no limit). */
double hap_norm_factor(double squares, double limit);

#endif
