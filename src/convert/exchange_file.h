/* JSON files of other programs. */
#ifndef HAP_CONVERT_EXCHANGE_FILE_H
#define HAP_CONVERT_EXCHANGE_FILE_H

#include <jansson.h>

#include "common/byte_input.h"

/* Reads a whole file of JSON: a new reference in *value. NaN, Infinity and -Infinity, which
 * Python writes although JSON has no such numbers, become the strings of these names: they do no
 * harm where they are not read, and no number is made of them where they are. HAP_EINPUT: the
 * file is larger than 1 GiB, is not JSON, contains a key twice, or is a file of PyTorch. */
int hap_exchange_load(struct hap_byte_input *input, json_t **value, struct hap_error *err);

#endif
