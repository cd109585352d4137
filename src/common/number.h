/* Numbers as users write them, arrays of finite numbers, and the maximum and minimum of two sizes. */
#ifndef HAP_COMMON_NUMBER_H
#define HAP_COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* The whole text must be the number and the number within [min, max]
 * ("100-2", "", "1e", "nan" are refused); `what` names it in the message. */
int hap_parse_int(const char *text, const char *what, int64_t min, int64_t max,
                  int64_t *value, struct hap_error *err);
int hap_parse_real(const char *text, const char *what, double min, double max,
                   double *value, struct hap_error *err);

/* `N` things, or `P%` of all things. */
struct hap_count_or_percent {
        bool given;
        bool percent;
        double value;
};
int hap_parse_count_or_percent(const char *text, const char *what,
                               struct hap_count_or_percent *amount, struct hap_error *err);

/* A number of bytes: a positive number, then an optional unit. K, M, G, T are powers of
 * 1000; Ki, Mi, Gi, Ti are powers of 1024; a B may follow: "900M", "1.5G", "4GiB". */
int hap_parse_size(const char *text, const char *what, size_t *bytes,
                   struct hap_error *err);

/* The number, finite, in the fewest digits that read back as the same (or, if
 * single, as the same float): 0.1, 12, 1e+20. */
enum { HAP_DIGITS = 32 };
void hap_shortest_digits(double number, bool single, char text[HAP_DIGITS]);

/* Whether no value is NaN or infinite. */
bool hap_all_finite(const float *values, size_t n);

/* The count, or the percentage of `whole` rounded to nearest; at most `whole`. */
size_t hap_count_or_percent_of(const struct hap_count_or_percent *amount, size_t whole);

static inline size_t hap_max(size_t a, size_t b)
{
        return a > b ? a : b;
}
static inline size_t hap_min(size_t a, size_t b)
{
        return a < b ? a : b;
}

#endif
