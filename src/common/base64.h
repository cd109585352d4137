/* Base64 (RFC 4648) with padding. */
#ifndef HAP_COMMON_BASE64_H
#define HAP_COMMON_BASE64_H

#include <stddef.h>

/* The length of the text for n bytes of data, without a NUL. */
static inline size_t hap_base64_length(size_t n)
{
        return (n + 2) / 3 * 4;
}
void hap_base64_encode(const void *data, size_t n, char *text);

/* How many bytes the text decodes to in `data` (which has space for length / 4 * 3 bytes), or -1
 * when it is not base64 as hap_base64_encode writes it. */
long long hap_base64_decode(const char *text, size_t length, void *data);

#endif
