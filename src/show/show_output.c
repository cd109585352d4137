#include "show/show_output.h"

#include <errno.h>
#include <string.h>

void hap_write_escaped(FILE *out, const char *text)
{
        for (; *text; text++) {
                if (*text == '<')
                        fputs("&lt;", out);
                else if (*text == '>')
                        fputs("&gt;", out);
                else if (*text == '&')
                        fputs("&amp;", out);
                else if (*text == '"')
                        fputs("&quot;", out);
                else
                        fputc((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text, out);
        }
}

int hap_show_written(FILE *out, struct hap_error *err)
{
        if (fflush(out) == 0 && !ferror(out))
                return HAP_OK;
        return hap_fail(err, HAP_ESYSTEM, "cannot write the output: %s", strerror(errno));
}
