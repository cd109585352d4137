/* Sums of probabilities, from logits. */
#ifndef HAP_METRIC_LOG_SUM_H
#define HAP_METRIC_LOG_SUM_H

#include <stdint.h>

/* log Σ exp(logit) over n tokens, −∞ for none. logits: [vocabulary]. */
double hap_metric_log_sum(const float *logits, const int32_t *tokens, int n);

#endif
