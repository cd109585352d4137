#include "metric/log_sum.h"

#include <math.h>

double hap_metric_log_sum(const float *logits, const int32_t *tokens, int n)
{
        double max = -INFINITY, sum = 0;

        for (int i = 0; i < n; i++)
                max = fmax(max, (double)logits[tokens[i]]);
        for (int i = 0; i < n; i++)
                sum += exp((double)logits[tokens[i]] - max);
        return n ? max + log(sum) : -INFINITY;
}
