#include "common/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "common/distributions.h"

/* Uses of the seed. */
enum { RESAMPLES = 0xb007, SIGNS = 0x5167 };

void hap_bootstrap_release(struct hap_bootstrap *bootstrap)
{
        free(bootstrap->mean);
        free(bootstrap->means);
        free(bootstrap->signed_means);
        free(bootstrap->scratch);
        *bootstrap = (struct hap_bootstrap){0};
}

static void add_row(double *sum, const double *row, size_t columns)
{
        for (size_t c = 0; c < columns; c++)
                sum[c] += row[c];
}

/* mean[c] = 1/n Σ over n draws with replacement of values[draw][c]. A word gives two draws,
 * each floor(n · u) of 32 random bits u; n is far below 2^32. */
static void resample(const struct hap_bootstrap *b, struct hap_random_key key, size_t r)
{
        double *mean = b->means + r * b->columns;

        for (size_t i = 0; i < b->n; i += 2) {
                const uint64_t word = hap_random_word(key, r, i / 2);
                const size_t first = (size_t)(((word & 0xffffffff) * b->n) >> 32);
                const size_t second = (size_t)(((word >> 32) * b->n) >> 32);

                add_row(mean, b->values + first * b->columns, b->columns);
                if (i + 1 < b->n)
                        add_row(mean, b->values + second * b->columns, b->columns);
        }
        for (size_t c = 0; c < b->columns; c++)
                mean[c] /= (double)b->n;
}

/* mean[c] = 1/n Σ ± values[i][c], the signs at random and the same for every column. */
static void flip_signs(const struct hap_bootstrap *b, struct hap_random_key key, size_t r)
{
        double *mean = b->signed_means + r * b->columns;

        for (size_t i = 0; i < b->n; i++) {
                const uint64_t word = hap_random_word(key, r, i / 64);
                size_t here = b->n - i < 64 ? b->n - i : 64;

                for (size_t k = 0; k < here; k++) {
                        const double sign = word >> k & 1 ? 1 : -1;
                        const double *row = b->values + (i + k) * b->columns;

                        for (size_t c = 0; c < b->columns; c++)
                                mean[c] += sign * row[c];
                }
                i += here - 1;
        }
        for (size_t c = 0; c < b->columns; c++)
                mean[c] /= (double)b->n;
}

int hap_bootstrap_init(struct hap_bootstrap *b, const double *values, size_t n, size_t columns,
                       size_t resamples, uint64_t seed, int with_signs)
{
        const struct hap_random_key draws = {seed, RESAMPLES}, signs = {seed, SIGNS};

        *b = (struct hap_bootstrap){
                .values = values, .n = n, .columns = columns, .resamples = resamples,
                .mean = calloc(columns + 1, sizeof *b->mean),
                .means = calloc(resamples * columns + 1, sizeof *b->means),
                .scratch = malloc(((resamples > n ? resamples : n) + columns + 1) *
                                  sizeof *b->scratch),
                .signed_means = with_signs ? calloc(resamples * columns + 1,
                                                    sizeof *b->signed_means) : NULL,
        };
        if (!b->mean || !b->means || !b->scratch || (with_signs && !b->signed_means)) {
                hap_bootstrap_release(b);
                return -1;
        }
        for (size_t i = 0; i < n; i++)
                add_row(b->mean, values + i * columns, columns);
        for (size_t c = 0; c < columns; c++)
                b->mean[c] /= (double)n;
#pragma omp parallel for schedule(static)
        for (size_t r = 0; r < resamples; r++) {
                resample(b, draws, r);
                if (with_signs)
                        flip_signs(b, signs, r);
        }
        return 0;
}

/* Σ (m − t)³ / (6 (Σ (m − t)²)^1.5) over the statistic t without each prompt, m their mean. */
static double acceleration(const struct hap_bootstrap *b, hap_statistic_fn *statistic,
                           const void *what)
{
        double *without = b->scratch, *means = b->scratch + b->n;
        double mean = 0, squares = 0, cubes = 0;

        for (size_t i = 0; i < b->n; i++) {
                const double *row = b->values + i * b->columns;

                for (size_t c = 0; c < b->columns; c++)
                        means[c] = ((double)b->n * b->mean[c] - row[c]) / ((double)b->n - 1);
                without[i] = statistic(what, means);
                mean += without[i] / (double)b->n;
        }
        for (size_t i = 0; i < b->n; i++) {
                const double d = mean - without[i];

                squares += d * d;
                cubes += d * d * d;
        }
        return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* The quantile of sorted values, between order statistics (x[k] is at (k + 1) / (n + 1)). */
static double quantile(const double *sorted, size_t n, double p)
{
        const double at = fmin(fmax(p * ((double)n + 1) - 1, 0), (double)n - 1);
        const size_t k = (size_t)at;

        return k + 1 < n ? sorted[k] + (at - (double)k) * (sorted[k + 1] - sorted[k]) : sorted[k];
}

static double spread(const double *x, size_t n)
{
        double mean = 0, squares = 0;

        for (size_t i = 0; i < n; i++)
                mean += x[i];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++)
                squares += (x[i] - mean) * (x[i] - mean);
        return sqrt(squares / ((double)n - 1));
}

struct hap_interval hap_bootstrap_interval(const struct hap_bootstrap *b,
                                           hap_statistic_fn *statistic, const void *what,
                                           double level)
{
        const double estimate = statistic(what, b->mean), tail = hap_normal_quantile((1 - level) / 2);
        const double n = (double)b->resamples, nothing = NAN;
        double below = 0, bias, a, *x = b->scratch;
        struct hap_interval interval = {nothing, nothing, nothing};

        if (b->n < 2 || b->resamples < 2)
                return interval;
        a = acceleration(b, statistic, what);
        for (size_t r = 0; r < b->resamples; r++) {
                x[r] = statistic(what, b->means + r * b->columns);
                below += x[r] < estimate ? 1 : x[r] == estimate ? 0.5 : 0;
                if (!isfinite(x[r]))
                        return interval;
        }
        bias = hap_normal_quantile(fmin(fmax(below / n, 0.5 / n), 1 - 0.5 / n));
        interval.se = spread(x, b->resamples);
        qsort(x, b->resamples, sizeof *x, hap_compare_doubles);
        interval.low = quantile(x, b->resamples, hap_normal_cdf(
                bias + (bias + tail) / (1 - a * (bias + tail))));
        interval.high = quantile(x, b->resamples, hap_normal_cdf(
                bias + (bias - tail) / (1 - a * (bias - tail))));
        return interval;
}

double hap_bootstrap_sign_flip(const struct hap_bootstrap *bootstrap, size_t a, size_t b)
{
        const double observed = fabs(bootstrap->mean[a] - bootstrap->mean[b]);
        double rounding = 0, count = 1;

        for (size_t i = 0; i < bootstrap->n; i++) {
                const double *row = bootstrap->values + i * bootstrap->columns;

                rounding += 1e-12 * (fabs(row[a]) + fabs(row[b])) / (double)bootstrap->n;
        }
        for (size_t r = 0; r < bootstrap->resamples; r++) {
                const double *mean = bootstrap->signed_means + r * bootstrap->columns;

                count += fabs(mean[a] - mean[b]) >= observed - rounding;
        }
        return count / (1 + (double)bootstrap->resamples);
}
