/* Conversion of JSON to msgpack. */
#ifndef HAP_CONVERT_JSON_PACK_H
#define HAP_CONVERT_JSON_PACK_H

#include <jansson.h>
#include <msgpack.h>
#include <stdint.h>

#include "common/byte_input.h"
#include "common/error.h"
#include "common/stream_out.h"

/* A write function of msgpack_packer_init for a msgpack_sbuffer; a failure is reported to
 * hap_memory_short, because the packing functions do not return it. */
int hap_json_pack_into_buffer(void *buffer, const char *data, size_t n);

/* Packs a value that hap_json_print wrote. HAP_EINPUT: it has no such form. */
int hap_json_pack(msgpack_packer *packer, const json_t *value, struct hap_error *err);

#endif
