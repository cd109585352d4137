#include "common/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hap_parse_int(const char *text, const char *what, int64_t min, int64_t max,
                  int64_t *value, struct hap_error *err)
{
        const char *digits = text + (text[0] == '-');
        long long parsed;

        if (!*digits || digits[strspn(digits, "0123456789")])
                return hap_fail(err, HAP_EUSAGE, "%s: '%.64s' is not a whole number", what, text);
        errno = 0;
        parsed = strtoll(text, NULL, 10);
        if (errno || parsed < min || parsed > max)
                return hap_fail(err, HAP_EUSAGE, "%s: %.64s is not between %lld and %lld",
                                what, text, (long long)min, (long long)max);
        *value = parsed;
        return 0;
}

int hap_parse_real(const char *text, const char *what, double min, double max,
                   double *value, struct hap_error *err)
{
        char *end = NULL;
        double parsed = NAN;

        /* strtod also accepts blanks, hexadecimal, "inf" and "nan" */
        if (*text && !text[strspn(text, "0123456789+-.eE")])
                parsed = strtod(text, &end);
        if (!end || end == text || *end)
                return hap_fail(err, HAP_EUSAGE, "%s: '%.64s' is not a number", what, text);
        if (!(parsed >= min && parsed <= max) || !isfinite(parsed))
                return hap_fail(err, HAP_EUSAGE, "%s: %.64s is not between %g and %g",
                                what, text, min, max);
        *value = parsed;
        return 0;
}

void hap_shortest_digits(double number, bool single, char text[HAP_DIGITS])
{
        bool exact = false;

        for (int digits = single ? 6 : 15; !exact && digits <= 17; digits++) {
                double back;

                snprintf(text, HAP_DIGITS, "%.*g", digits, number);
                back = strtod(text, NULL);
                exact = single ? (float)back == (float)number : back == number;
        }
}

int hap_parse_count_or_percent(const char *text, const char *what,
                               struct hap_count_or_percent *amount, struct hap_error *err)
{
        size_t length = strlen(text);
        char digits[64];
        int64_t count = 0;
        int rc;

        if (length && text[length - 1] == '%') {
                if (length > sizeof(digits))
                        return hap_fail(err, HAP_EUSAGE, "%s: '%.64s' is not a percentage",
                                        what, text);
                memcpy(digits, text, length - 1);
                digits[length - 1] = '\0';
                rc = hap_parse_real(digits, what, 0, 100, &amount->value, err);
        } else {
                rc = hap_parse_int(text, what, 0, INT64_C(1) << 53, &count, err);
                if (rc < 0 && strchr(text, '.'))
                        return hap_fail(err, HAP_EUSAGE, "%s: '%.64s' is not a whole number; "
                                        "write a percentage as 90%%", what, text);
                if (rc == 0)
                        amount->value = (double)count;
        }
        if (rc < 0)
                return rc;
        amount->given = true;
        amount->percent = length && text[length - 1] == '%';
        return 0;
}

/* The number of bytes in a unit such as K or Ki; 0: not a unit. */
static double unit_of(const char *letters)
{
        static const char units[] = "KMGT";
        const char *unit = *letters ? strchr(units, *letters) : NULL;
        bool binary = unit && letters[1] == 'i';
        double bytes = 1;

        if (unit) {
                for (const char *u = units; u <= unit; u++)
                        bytes *= binary ? 1024 : 1000;
                letters += binary ? 2 : 1;
        }
        return strcmp(letters, "B") == 0 || !*letters ? bytes : 0;
}

int hap_parse_size(const char *text, const char *what, size_t *bytes, struct hap_error *err)
{
        size_t length = strspn(text, "0123456789.");
        double unit = unit_of(text + length), value;
        char digits[32];

        if (length == 0 || length >= sizeof(digits) || unit == 0)
                return hap_fail(err, HAP_EUSAGE, "%s: '%.64s' is not a size such as 900M or 4G",
                                what, text);
        memcpy(digits, text, length);
        digits[length] = '\0';
        if (hap_parse_real(digits, what, 0, 1e18, &value, err) < 0)
                return err->code;
        if (value * unit < 1 || value * unit > 0x1p60)
                return hap_fail(err, HAP_EUSAGE, "%s: %.64s is not between 1 byte and 2^60", what,
                                text);
        *bytes = (size_t)(value * unit);
        return 0;
}

bool hap_all_finite(const float *values, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!isfinite(values[i]))
                        return false;
        return true;
}

size_t hap_count_or_percent_of(const struct hap_count_or_percent *amount, size_t whole)
{
        double n = amount->value;

        if (amount->percent)
                n = round(amount->value / 100 * (double)whole);
        return n < (double)whole ? (size_t)n : whole;
}
