/* How often the intervals of hap-eval cover: bench/intervals calls it.
 *
 *      intervals DRAWS N < values
 *
 * Standard input has a line for each prompt of a population with the same number of values, one
 * per metric. Draws N prompts with replacement DRAWS times, and prints a line for each column:
 * the percentage of the draws in which the 95 % interval of 10,000 resamples covers the
 * population's mean, that of the percentile interval for comparison, and the mean. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "common/bootstrap.h"
#include "common/distributions.h"

enum { MAX_COLUMNS = 64, RESAMPLES = 10000 };

static double column_mean(const void *what, const double *means)
{
        return means[*(const size_t *)what];
}

static int is_within(double x, double low, double high)
{
        return x >= low && x <= high;
}

static int percentile_covers(const struct hap_bootstrap *b, size_t column, double mean)
{
        static double x[RESAMPLES];

        for (size_t r = 0; r < RESAMPLES; r++)
                x[r] = b->means[r * b->columns + column];
        qsort(x, RESAMPLES, sizeof *x, hap_compare_doubles);
        return is_within(mean, x[RESAMPLES / 40 - 1], x[RESAMPLES - RESAMPLES / 40]);
}

static double *read_values(size_t *n, size_t *columns)
{
        double *values = NULL, x;
        size_t count = 0, lines = 0;
        char *line = NULL, *end;
        size_t size = 0;

        while (getline(&line, &size, stdin) > 0) {
                for (char *at = line; x = strtod(at, &end), end != at; at = end) {
                        values = realloc(values, (count + 1) * sizeof *values);
                        if (!values)
                                exit(1);
                        values[count++] = x;
                }
                lines++;
        }
        free(line);
        *n = lines;
        *columns = lines ? count / lines : 0;
        return values;
}

int main(int argc, char **argv)
{
        const size_t draws = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
        const size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
        const struct hap_random_key key = {1, 0xc0e4};
        double mean[MAX_COLUMNS] = {0};
        size_t covered[MAX_COLUMNS] = {0}, plain[MAX_COLUMNS] = {0}, population, columns;
        double *values = read_values(&population, &columns);
        double *drawn = malloc((n + 1) * (columns + 1) * sizeof *drawn);

        if (!values || !drawn || columns > MAX_COLUMNS || n == 0)
                return 1;
        for (size_t i = 0; i < population * columns; i++)
                mean[i % columns] += values[i] / (double)population;
        for (size_t d = 0; d < draws; d++) {
                struct hap_bootstrap b;

                for (size_t i = 0; i < n; i++) {
                        const size_t at = (size_t)(hap_random_uniform(key, d, i) * (double)population);

                        memcpy(drawn + i * columns, values + at * columns, columns * sizeof *drawn);
                }
                if (hap_bootstrap_init(&b, drawn, n, columns, RESAMPLES, d, 0) < 0)
                        return 1;
                for (size_t c = 0; c < columns; c++) {
                        struct hap_interval in = hap_bootstrap_interval(&b, column_mean, &c, 0.95);

                        covered[c] += is_within(mean[c], in.low, in.high);
                        plain[c] += percentile_covers(&b, c, mean[c]);
                }
                hap_bootstrap_release(&b);
        }
        for (size_t c = 0; c < columns; c++)
                printf("%.1f %.1f %.6g\n", 100 * (double)covered[c] / (double)draws,
                       100 * (double)plain[c] / (double)draws, mean[c]);
        free(drawn);
        free(values);
        return 0;
}
