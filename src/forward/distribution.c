#include "forward/distribution.h"

#include <math.h>
#include <string.h>

double hap_log_sum_exp(int n, const float *row)
{
        double max = row[0], total = 0;

        for (int i = 1; i < n; i++)
                max = row[i] > max ? row[i] : max;
        for (int i = 0; i < n; i++)
                total += exp((double)row[i] - max);
        /* cppcheck-suppress invalidFunctionArg ; n >= 1, and the largest adds 1 */
        return max + log(total);
}

int hap_likeliest(int n, const float *values, int n_top, int32_t *top)
{
        int found = 0;

        for (int i = 0; i < n; i++) {
                int at = found;

                while (at > 0 && values[i] > values[top[at - 1]])
                        at--;
                if (at == n_top)
                        continue;
                found += found < n_top;
                memmove(top + at + 1, top + at, (size_t)(found - at - 1) * sizeof *top);
                top[at] = i;
        }
        return found;
}

void hap_log_softmax(int rows, int n, const float *logits, float *out, double *log_sum)
{
        for (int r = 0; r < rows; r++) {
                const float *row = logits + (size_t)r * n;
                const double total = n == 1 ? 0 : hap_log_sum_exp(n, row);

                for (int i = 0; i < n; i++)
                        out[(size_t)r * n + i] = (float)(row[i] - total);
                if (log_sum != NULL)
                        log_sum[r] = total;
        }
}

/* d / d logit = q − p, of a number y − y_full. */
double hap_kl(int n, const float *log_p, const float *row, double log_all, double weight,
              float *gradient)
{
        double loss = 0;

        if (n == 1) {
                const double apart = (double)row[0] - (double)log_p[0];

                if (gradient != NULL)
                        gradient[0] = (float)(weight * apart);
                return apart * apart / 2;
        }
        for (int i = 0; i < n; i++) {
                const double log_q = row[i] - log_all, p = exp(log_p[i]);

                if (p > 0)
                        loss += p * (log_p[i] - log_q);
                if (gradient != NULL)
                        gradient[i] = (float)(weight * (exp(log_q) - p));
        }
        return loss;
}

int hap_most_likely(int n, const float *values)
{
        int best = 0;

        for (int i = 1; i < n; i++)
                if (values[i] > values[best])
                        best = i;
        return best;
}
