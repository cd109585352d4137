/* Measures one msgpack value of an input and checks it against the limits before
 * it is decoded. Used within the library only. */
#ifndef HAP_COMMON_SCAN_H
#define HAP_COMMON_SCAN_H

#include <stddef.h>

#include "common/byte_input.h"
#include "common/error.h"

struct hap_limits {
        size_t record_bytes;  /* one header, record or trailer: 1 GiB */
        size_t elements;      /* of all arrays and maps of a record: 16 Mi */
        size_t text_bytes;    /* of a str: 1 MiB */
        size_t depth;         /* of nesting: 32 */
};
extern const struct hap_limits hap_limits_default;

/* 1: the first *length bytes of the window are one whole map; 0: the input ended
 * within the value.
 * HAP_SCAN_REFUSED: a limit is exceeded or the bytes are not msgpack;
 * HAP_SCAN_NOT_A_MAP: the value is not a map. For these two, the message says only
 * what is wrong, not where; the caller adds that. Other negative codes: reading the
 * input failed, and the message is complete. */
enum { HAP_SCAN_REFUSED = -100, HAP_SCAN_NOT_A_MAP = -101 };
int hap_scan(struct hap_byte_input *input, const struct hap_limits *limits,
             size_t *length, struct hap_error *err);

#endif
