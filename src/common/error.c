#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"

int hap_fail(struct hap_error *err, int code, const char *format, ...)
{
        va_list args;

        err->code = code;
        va_start(args, format);
        vsnprintf(err->message, sizeof(err->message), format, args);
        va_end(args);
        return code;
}

int hap_fail_within(struct hap_error *err, const char *format, ...)
{
        char inner[sizeof(err->message)];
        va_list args;
        size_t n;

        memcpy(inner, err->message, sizeof(inner));
        va_start(args, format);
        vsnprintf(err->message, sizeof(err->message), format, args);
        va_end(args);
        n = strlen(err->message);
        snprintf(err->message + n, sizeof(err->message) - n, ": %s", inner);
        return err->code;
}

int hap_fail_after(struct hap_error *err, const char *format, ...)
{
        const size_t n = strlen(err->message);
        va_list args;

        va_start(args, format);
        vsnprintf(err->message + n, sizeof(err->message) - n, format, args);
        va_end(args);
        return err->code;
}

int hap_fail_memory(struct hap_error *err, const char *what)
{
        hap_memory_short();
        return hap_fail(err, HAP_ESYSTEM, "out of memory for %s", what);
}

int hap_exit_status(int code)
{
        return code == HAP_EUSAGE ? 2 : code == HAP_EINPUT ? 3 : 1;
}
