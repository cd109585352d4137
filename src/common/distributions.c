#include "common/distributions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double hap_normal_cdf(double x)
{
        return 0.5 * erfc(-x / M_SQRT2);
}

double hap_normal_quantile(double p)
{
        double low = -40, high = 40;

        if (p > 0.5) /* the lower tail keeps its digits */
                return -hap_normal_quantile(1 - p);
        while (high - low > 1e-14 * (1 + fabs(low))) {
                const double middle = (low + high) / 2;

                if (middle <= low || middle >= high)
                        break;
                if (hap_normal_cdf(middle) < p)
                        low = middle;
                else
                        high = middle;
        }
        return (low + high) / 2;
}

static double log_choose(size_t n, size_t k)
{
        return lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
}

/* P(X = k). */
static double binomial_term(size_t n, double p, size_t k)
{
        return exp(log_choose(n, k) + (double)k * log(p) + (double)(n - k) * log1p(-p));
}

double hap_binomial_at_least(size_t n, double p, double k)
{
        double sum = 0;

        if (k <= 0)
                return 1;
        for (size_t i = n + 1; i-- > 0 && (double)i >= k;)
                sum += binomial_term(n, p, i);
        return fmin(sum, 1);
}

double hap_binomial_at_most(size_t n, double p, double k)
{
        return k >= (double)n ? 1 : hap_binomial_at_least(n, 1 - p, (double)n - k);
}

/* The p at which P(X >= k) is the probability. */
static double solve_at_least(size_t n, double k, double probability)
{
        double low = 0, high = 1;

        for (int i = 0; i < 60; i++) {
                const double middle = (low + high) / 2;

                if (hap_binomial_at_least(n, middle, k) < probability)
                        low = middle;
                else
                        high = middle;
        }
        return (low + high) / 2;
}

void hap_binomial_interval(size_t n, double k, double level, double *low, double *high)
{
        const double tail = (1 - level) / 2;

        *low = k <= 0 ? 0 : solve_at_least(n, k, tail);
        *high = k >= (double)n ? 1 : 1 - solve_at_least(n, (double)n - k, tail);
}

int hap_compare_doubles(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        if (isnan(x) || isnan(y))
                return isnan(x) - isnan(y);
        return (x > y) - (x < y);
}

struct ranked {
        double p;
        size_t i;
};

static int compare_ranked(const void *a, const void *b)
{
        const struct ranked *x = a, *y = b;
        const int by_p = hap_compare_doubles(&x->p, &y->p);

        return by_p ? by_p : (x->i > y->i) - (x->i < y->i);
}

int hap_holm(const double *p, size_t n, size_t tests, double *adjusted)
{
        struct ranked *order = malloc((n + 1) * sizeof *order);
        double largest = 0;

        if (!order)
                return -1;
        for (size_t i = 0; i < n; i++)
                order[i] = (struct ranked){p[i], i};
        qsort(order, n, sizeof *order, compare_ranked);
        for (size_t k = 0; k < n; k++) {
                largest = fmax(largest, fmin(1, order[k].p * (double)(tests - k)));
                adjusted[order[k].i] = largest;
        }
        free(order);
        return 0;
}
