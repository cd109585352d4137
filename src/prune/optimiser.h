/* AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) as torch.optim.AdamW computes it, the
 * schedule of the learning rate, and clipping by norm. */
#ifndef HAP_PRUNE_OPTIMISER_H
#define HAP_PRUNE_OPTIMISER_H

#include <stdbool.h>
#include <stddef.h>

struct hap_adamw {
        double rate;
        double beta1, beta2, epsilon, weight_decay;
        bool maximise; /* ascend instead of descend */
};

/* PyTorch's defaults: β1 .9, β2 .999, ε 1e-8, weight decay .01. */
struct hap_adamw hap_adamw_default(double rate);

/* Step number `step`, counted from 1, on n values, with the learning rate rate · factor. mean
 * and square are the running moments ([n], zero before the first step). The weight decay is
 * decoupled:
 *
 *      value ← value · (1 − rate · decay) − rate / (1 − β1^step) · mean
 *                       / (sqrt(square / (1 − β2^step)) + ε)                */
void hap_adamw_step(const struct hap_adamw *adamw, long step, double factor,
                    size_t n, const float *gradient, float *mean, float *square,
                    float *value);

/* The factor of the learning rate at a step, counted from 0: it rises linearly from 0 during
 * `warmup` steps, then falls linearly to 0 at step `total`. */
double hap_rate_factor(long step, long warmup, long total);

/* The factor that limits the norm of gradients, whose squares sum to `squares`, to `limit`
 * (0: no limit). */
double hap_norm_factor(double squares, double limit);

#endif
