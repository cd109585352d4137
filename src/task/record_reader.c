#include "task/record_reader.h"

#include <stdarg.h>
#include <stdio.h>

int hap_refuse_record(const struct hap_record_reader *in, const char *format, ...)
{
        char why[768];
        va_list args;

        va_start(args, format);
        vsnprintf(why, sizeof why, format, args);
        va_end(args);
        return hap_fail(in->err, HAP_EINPUT, "cannot use %s: %s", in->where, why);
}

int hap_read_token_id(const struct hap_record_reader *in, const json_t *value, const char *what,
                      int limit, int32_t *id)
{
        json_int_t n = json_integer_value(value);

        if (!json_is_integer(value))
                return hap_refuse_record(in, "%s contains a value that is not a token id", what);
        if (n < 0 || n > INT32_MAX || (limit && n >= limit))
                return hap_refuse_record(in, "%s has token id %" JSON_INTEGER_FORMAT
                              ", the ids end at %d", what, n,
                              limit ? limit - 1 : INT32_MAX);
        *id = (int32_t)n;
        return 0;
}
