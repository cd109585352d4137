#include "eval/hsic.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/distributions.h"

/* The width of the kernel, or 0 if all values are equal. distances: [n (n − 1) / 2], scratch. */
static double width_of(const double *x, size_t n, double *distances)
{
        size_t count = 0, zeros = 0;
        double sum = 0;

        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < i; j++)
                        distances[count++] = fabs(x[i] - x[j]);
        qsort(distances, count, sizeof *distances, hap_compare_doubles);
        if (count == 0 || distances[count / 2] > 0)
                return count ? distances[count / 2] : 0;
        for (size_t i = 0; i < count; i++) {
                sum += distances[i];
                zeros += distances[i] == 0;
        }
        return zeros < count ? sum / (double)(count - zeros) : 0;
}

static void fill_kernel(const double *x, size_t n, double width, double *kernel)
{
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++)
                        kernel[i * n + j] = exp(-(x[i] - x[j]) * (x[i] - x[j]) /
                                                (2 * width * width));
}

/* kernel = H kernel H. mean: [n], scratch. */
static void centre(double *kernel, size_t n, double *mean)
{
        double all = 0;

        for (size_t i = 0; i < n; i++) {
                mean[i] = 0;
                for (size_t j = 0; j < n; j++)
                        mean[i] += kernel[i * n + j];
                mean[i] /= (double)n;
                all += mean[i] / (double)n;
        }
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++)
                        kernel[i * n + j] += all - mean[i] - mean[j];
}

/* Σ_ij K[i][j] L[order[i]][order[j]] / (n − 1)² */
static double statistic_of(const double *k, const double *l, size_t n, const uint32_t *order)
{
        double sum = 0;

        for (size_t i = 0; i < n; i++) {
                const double *row = l + order[i] * n;

                for (size_t j = 0; j < n; j++)
                        sum += k[i * n + j] * row[order[j]];
        }
        return sum / (((double)n - 1) * ((double)n - 1));
}

static int permute(const double *k, const double *l, size_t n, size_t permutations,
                   struct hap_random_key key, struct hap_hsic *result)
{
        size_t count = 0, failed = 0;

#pragma omp parallel for schedule(static) reduction(+ : count, failed)
        for (size_t r = 0; r <= permutations; r++) {
                uint32_t *order = malloc(n * sizeof *order);

                if (!order) {
                        failed++;
                        continue;
                }
                hap_random_shuffle(key, r, n, order);
                count += r > 0 && statistic_of(k, l, n, order) >= result->statistic - 1e-12;
                free(order);
        }
        result->p = (1 + (double)count) / (1 + (double)permutations);
        return failed ? -1 : 0;
}

int hap_hsic_test(const double *x, const double *y, size_t n, size_t permutations,
                  struct hap_random_key key, struct hap_hsic *result)
{
        double *k = malloc((n * n + 1) * sizeof *k), *l = malloc((n * n + 1) * sizeof *l);
        double *scratch = malloc((n * n + 1) * sizeof *scratch), wx, wy;
        uint32_t *same = malloc((n + 1) * sizeof *same);
        int rc = -1;

        if (k && l && scratch && same) {
                wx = width_of(x, n, scratch);
                wy = width_of(y, n, scratch);
                rc = wx > 0 && wy > 0 ? 0 : 1;
        }
        if (rc == 0) {
                for (size_t i = 0; i < n; i++)
                        same[i] = (uint32_t)i;
                fill_kernel(x, n, wx, k);
                fill_kernel(y, n, wy, l);
                centre(k, n, scratch);
                result->statistic = statistic_of(k, l, n, same);
                rc = permute(k, l, n, permutations, key, result);
        }
        free(k);
        free(l);
        free(scratch);
        free(same);
        return rc;
}
