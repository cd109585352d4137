/* Walks one msgpack value in an input and checks it against the limits before
 * a decoder sees it. Inside the library only. */
#ifndef HAP_COMMON_SCAN_H
#define HAP_COMMON_SCAN_H

#include "common/byte_input.h"
#include "common/stream.h"

/* 1: *length bytes of the window are one whole map; 0: the input ended before;
 * HAP_EINPUT: a limit is broken or these are no msgpack data. The message then
 * says only what is wrong, not where: the reader knows. `err` of a failed read
 * is complete and has another code or begins with "cannot read". */
enum { HAP_SCAN_REFUSED = -100 };
int hap_scan(struct hap_input *input, const struct hap_limits *limits,
             size_t *length, struct hap_error *err);

#endif
